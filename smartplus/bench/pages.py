"""Cases of pages: lists and dashboards of every role, searches, and the pages of one very large community."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from django.db.models import Model

from accounts.models import Membership
from communities.models import Kind, Site
from devices.models import Device
from smartplus.bench import floor
from smartplus.bench.cases import Goal, Result
from smartplus.bench.measure import Cost, in_turn
from smartplus.bench.people import Reader
from smartplus.scale.building import World
from subscriptions.models import AutoRenewal, Order, RenewalRequest

LIST = Goal(ratio=2.5, sent_kb=60)
DASHBOARD = Goal(cpu_ms=150, growth=1.3)
OVERVIEW = Goal(cpu_ms=150, sent_kb=60)  # a site's status at a glance: sums and tasks as on a dashboard, no list
SEARCH = Goal(cpu_ms=60)
EMPTY = "/help/, navigation without rows,"
NOT_THEIRS = {403, 404}
FORBIDDEN = {302, *NOT_THEIRS}  # not opened by this role
# address, the floor's list, the goal
LISTS: tuple[tuple[str, str, Goal], ...] = (
    ("/dashboard/", "sites", DASHBOARD),
    ("/dashboard/items/?show=due", "sites", DASHBOARD),
    ("/dashboard/items/?show=all", "sites", DASHBOARD),
    ("/sites/", "sites", LIST),
    ("/users/", "users", LIST),
    ("/library/", "library", LIST),
    ("/orders/", "orders", LIST),
    ("/subscription/?installer={installer}&kind={kind}", "entitlements", LIST),
    ("/subscription/requests/", "requests", LIST),
    ("/subscription/auto-renew/", "auto_renewals", LIST),
    ("/settings/audit/", "audit", LIST),
    ("/settings/notifications/", "notices", LIST),
    ("/payments/", "payments", LIST),
    ("/payments/webhooks/", "webhooks", LIST),
)
SITE_PAGES: tuple[tuple[str, str, Goal], ...] = (
    ("/sites/{site}/", "apartments", LIST),
    ("/sites/{site}/facts/", "apartments", OVERVIEW),
    ("/sites/{site}/services/", "apartments", LIST),
    ("/sites/{site}/managers/", "apartments", LIST),
    ("/sites/{site}/billing/", "apartments", Goal(cpu_ms=150, statements=8)),
)


def of_readers(found: list[Reader], world: World, smaller: dict[str, Cost] | None, *, rounds: int) -> Iterator[Result]:
    """Every list and dashboard as every role that may open it. `smaller` has the costs in the smaller data set; None while that one is
    measured, without comparison."""
    for reader in found:
        if smaller is not None:
            bare = in_turn(lambda: reader.open("/help/"), lambda: reader.open_plain("/rows/nothing/"), rounds=rounds)  # noqa: B023
            yield Result("lists", f"{EMPTY} as {reader.label}", Goal(), *bare)
        for template, plain, goal in LISTS:
            path = template.format(installer=_installer(reader, world), kind=Kind.COMMUNITY.value)
            name = f"{path.partition('?installer')[0]} as {reader.label}"
            if reader.status(path) in FORBIDDEN:
                continue
            address = plain_address(reader, plain)
            plainly = None if smaller is None else lambda: reader.open_plain(address)  # noqa: B023
            ours, under = in_turn(lambda: reader.open(path), plainly, rounds=rounds)  # noqa: B023
            before = (smaller or {}).get(name)
            asked = replace(goal, growth=None) if reader.sums_by_site else goal
            yield Result("lists", name, asked, ours, under, before, reader.grows if before else "")


def of_searches(found: list[Reader], *, rounds: int) -> Iterator[Result]:
    """Searches for a whole MAC, a part of one, a word in many rows, and one in none."""
    for reader in found:
        mac = Device.objects.filter(**reader.bound).order_by("-pk").values_list("mac", flat=True)[0]
        written = f"{mac:012X}"
        for kind, text, plain in (
            ("MAC", written, {"mac": mac}),
            ("first 8 digits", written[:8], None),
            ("word of many", "harbour", None),
            ("word of nobody", "xylophone", None),
        ):
            path = f"/search/?{urlencode({'q': text})}"
            if reader.status(path) in NOT_THEIRS:
                continue
            address = f"/rows/devices/?{urlencode(plain or reader.bound)}"
            ours, under = in_turn(lambda: reader.open(path), lambda: reader.open_plain(address), rounds=rounds)  # noqa: B023
            yield Result("find", f"/search/ for a {kind} as {reader.label}", SEARCH, ours, under)


def of_community(found: list[Reader], site: Site, *, rounds: int) -> Iterator[Result]:
    """The pages of one community, as the roles that may open them."""
    for reader in found:
        for template, plain, goal in SITE_PAGES:
            path = template.format(site=site.pk)
            if reader.status(path) in FORBIDDEN:
                continue
            address = f"/rows/{plain}/?{urlencode({'site_id': site.pk})}"
            ours, under = in_turn(lambda: reader.open(path), lambda: reader.open_plain(address), rounds=rounds)  # noqa: B023
            yield Result("community", f"{template.format(site='…')} as {reader.label}", goal, ours, under)


def plain_address(reader: Reader, name: str) -> str:
    """The floor's address for a reader's own rows."""
    model: type[Model] = floor.LISTS[name][0]().model
    columns = {one.attname for one in model._meta.concrete_fields}
    bound = {column: value for column, value in reader.bound.items() if column in columns}
    if model is Membership:
        bound = {f"organization__{column}": value for column, value in reader.bound.items()}
    elif reader.bound and not bound and model in {Order, AutoRenewal, RenewalRequest}:
        bound = {"distributor_id": reader.actor.distributor_id or 0}
    return f"/rows/{name}/?{urlencode(bound)}"


def _installer(reader: Reader, world: World) -> int:
    """The installer whose items the Subscription page shows."""
    tree = next(
        (tree for tree in world.trees if tree.distributor.organization_id == reader.actor.distributor_id),
        world.trees[0],
    )
    if reader.actor.organization_id == tree.subdistributor.organization_id:
        return tree.installer_below.organization_id
    return tree.installer.organization_id
