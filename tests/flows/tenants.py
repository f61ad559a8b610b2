"""Whether every row refers only to rows of its own tenant; derived from the models, so new ones are covered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from django.apps import apps
from django.conf import settings
from django.db import models

from accounts.models import AuditEvent, Kind, Membership, Organization
from communities.models import Site
from subscriptions.actions import tenancy
from subscriptions.models import AutoRenewal, Cart, Handover, Order, RenewalRequest, Selection

LEVELS = {"distributor": Kind.DISTRIBUTOR, "subdistributor": Kind.SUBDISTRIBUTOR, "installer": Kind.INSTALLER}
Model: TypeAlias = type[models.Model]
# Tables that keep their tenants when an installer moves: frozen rows, their payers, and what was chosen and agreed by the firm above
# then.
PAST: frozenset[Model] = frozenset({*tenancy.STAYS, Order, Cart, Selection, AutoRenewal})
# Tables that keep their tenants when a site is handed over: they tell what the installer before had, ordered and agreed.
OF_FORMER_INSTALLERS: frozenset[Model] = frozenset(
    {*tenancy.STAYS_AT_HANDOVER, Order, AutoRenewal, RenewalRequest, AuditEvent}
)


def assert_tenants_consistent() -> None:
    """Walk all rows of all models of the project (R1). Fails with every row that mixes two tenants.

    For each row, what it says itself and what its foreign keys' targets say is put side by side:

    - the same installer, sub-distributor, distributor and site wherever several of them name one;
    - an installer's row has that installer's sub-distributor and distributor, and each key names an organization of its kind;
    - all organizations involved (payer, owner, a membership's firm) stand on one line of the tree;
    - people assigned to an installer's row work in its firm or below it.

    Users belong to no tenant and are not looked at. Of an installer that was moved, the tables that tell of the past (`STAYS`), and
    what names them, may keep the sub-distributor it had; nothing else may.
    """
    tree = {row.pk: row for row in Organization.objects.all()}
    wrong = [text for model in project_models() for text in mixed_rows(model, tree)]
    assert not wrong, "rows of two tenants point at each other:\n" + "\n".join(wrong)


def project_models() -> list[Model]:
    """Every model of the project's own apps, with many-to-many tables."""
    own = [config for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
    return [model for config in own for model in config.get_models(include_auto_created=True)]


def foreign_keys(model: Model) -> dict[str, Model]:
    """Name → target of the foreign keys of a model; also a plain `site_id`, where layers forbid a foreign key."""
    found: dict[str, Model] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey):
            found[field.name] = field.remote_field.model
        elif field.attname == "site_id":
            found["site_id"] = Site
    return found


def claims(model: Model) -> dict[str, list[str]]:
    """What a row of this model says about its tenant: "site", a level, or "organization" → the column paths that say it."""
    said: dict[str, list[str]] = defaultdict(list)
    for name, target in foreign_keys(model).items():
        if target in {Organization, Site}:
            said[_claim(name, target)].append(name)
        if target is Organization or name == "site_id":  # a level itself; an id without a foreign key can't be followed
            continue
        for inner, beyond in foreign_keys(target).items():
            if beyond in {Organization, Site}:
                said[_claim(inner, beyond)].append(f"{name}__{inner}")
    return said


def _claim(name: str, target: Model) -> str:
    if target is Site:
        return "site"
    return name if name in LEVELS else "organization"


def mixed_rows(model: Model, tree: dict[int, Organization]) -> Iterator[str]:
    """One sentence for each contradiction in the rows of a model; one statement."""
    whole = claims(model)
    paths = [path for found in whole.values() for path in found]
    if not paths:
        return
    moved, givers = moved_installers(), givers_of_sites()
    installer_of_site = dict(Site.every.values_list("pk", "installer_id")) if "site_id" in paths else {}
    assigned = [f"{name}__organization" for name, target in foreign_keys(model).items() if target is Membership]
    for row in model._default_manager.order_by().values("pk", *paths).iterator():
        label = f"{model._meta.label} {row['pk']}"
        said = told_of_the_present(model, whole, row, moved, tree)
        said = without_former_installers(model, said, row, givers)
        for claim, found in said.items():
            named = {path: row[path] for path in found if row[path] is not None}
            if claim != "organization" and len(set(named.values())) > 1:
                yield f"{label} is in more than one {claim}: {named}"
            if claim in LEVELS and any(tree[pk].kind != LEVELS[claim] for pk in named.values()):
                yield f"{label} has a {claim} that is none: {named}"
        if model is Handover:
            yield from (f"{label} {text}" for text in _wrong_sides(row, tree))
            continue
        yield from (f"{label} {text}" for text in _out_of_line(model, row, said, tree))
        if (installer := tree.get(row.get("installer") or 0)) is not None:
            kept = {level for level in ("distributor", "subdistributor") if level in said.get(level, ())}
            yield from (f"{label} {text}" for text in _wrong_keys(row, installer, kept))
            for path in assigned:
                if row[path] is not None and not tree[row[path]].path.startswith(installer.path):
                    yield f"{label} of {installer} is given to somebody of {tree[row[path]]}"
            site_id: int = row.get("site_id") or 0
            if installer.pk not in {installer_of_site.get(site_id, installer.pk), *givers.get(site_id, ())}:
                yield f"{label} of {installer} names the site {site_id}, which is somebody else's"


def moved_installers() -> set[int]:
    """The installers that moved to another sub-distributor."""
    return set(AuditEvent.objects.filter(action="organization.moved").values_list("subject_id", flat=True))


def givers_of_sites() -> dict[int, set[int]]:
    """Sites that were handed over → the installers that gave them, with their sub-distributors."""
    found: dict[int, set[int]] = defaultdict(set)
    done = Handover.objects.done().values_list("site_id", "giver_id", "giver__subdistributor_id")
    for site_id, *firms in done:
        found[site_id] |= {firm for firm in firms if firm is not None}
    return found


def without_former_installers(
    model: Model, said: dict[str, list[str]], row: dict[str, Any], givers: dict[int, set[int]]
) -> dict[str, list[str]]:
    """What a row says, without what the frozen tables keep from before its site was handed over."""
    former = {firm for path in said.get("site", ()) for firm in givers.get(row[path] or 0, ())}
    if not former:
        return said
    keys = foreign_keys(model)

    def is_past(claim: str, path: str) -> bool:
        table = model if "__" not in path else keys[path.partition("__")[0]]
        return claim != "site" and table in OF_FORMER_INSTALLERS and row[path] in former

    return {claim: [path for path in found if not is_past(claim, path)] for claim, found in said.items()}


def told_of_the_present(
    model: Model, said: dict[str, list[str]], row: dict[str, Any], moved: set[int], tree: dict[int, Organization]
) -> dict[str, list[str]]:
    """What a row says, without what it keeps from before an installer moved: sub-distributors in frozen tables."""
    installers = {row[path] for path in said.get("installer", ()) if row[path]}
    if not installers & moved:
        return said
    keys = foreign_keys(model)

    def is_past(claim: str, path: str) -> bool:
        names_one = row[path] in tree and tree[row[path]].kind == Kind.SUBDISTRIBUTOR
        of_the_past = (model if "__" not in path else keys[path.partition("__")[0]]) in PAST
        return of_the_past and (names_one or claim == "subdistributor")

    return {claim: [path for path in found if not is_past(claim, path)] for claim, found in said.items()}


def _wrong_sides(row: dict[str, Any], tree: dict[int, Organization]) -> Iterator[str]:
    """A handover goes from one installer to another of the distributor; whoever has the site now is one of them, or got it later."""
    for side in ("giver", "taker"):
        firm = tree[row[side]]
        if firm.kind != Kind.INSTALLER or firm.distributor_id != row["distributor"]:
            yield f"has {firm} as {side}, which is no installer of {tree[row['distributor']]}"
    if row["asker"] is not None and not tree[row["giver"]].path.startswith(tree[row["asker"]].path):
        yield f"was asked for by {tree[row['asker']]}, which is not above {tree[row['giver']]}"


def _out_of_line(
    model: Model, row: dict[str, Any], said: dict[str, list[str]], tree: dict[int, Organization]
) -> Iterator[str]:
    named = {path: tree[row[path]] for claim, found in said.items() if claim != "site" for path in found if row[path]}
    if model is Organization:
        named["itself"] = tree[row["pk"]]
    line = sorted(named.items(), key=lambda item: len(item[1].path))
    for (above, upper), (below, lower) in pairwise(line):
        if not lower.path.startswith(upper.path):
            yield f"has {upper} as {above} and {lower} as {below}, which are not on one line of the tree"


def _wrong_keys(row: dict[str, Any], installer: Organization, levels: set[str]) -> Iterator[str]:
    for level in sorted(levels):
        if row[level] != getattr(installer, f"{level}_id"):
            yield f"has the {level} {row[level]}, the one of its installer is {getattr(installer, f'{level}_id')}"
