"""What a dashboard counts: what ends when, what is paid and not used, who has how much. Set-wise: one statement a question."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities import catalogue
from communities.days import SiteDay
from communities.models import Apartment, Entitlement, Site
from devices import reports as device_reports
from payments.models import usable_method
from subscriptions import reports
from subscriptions.actions.prices import table_with_former
from subscriptions.models import PriceList, Subscription, SubscriptionItem
from subscriptions.periods import CYCLE, Cycles
from subscriptions.pricing import Item, MissingPrice, PriceTable, Product, quote, unit_price

HORIZON = timedelta(days=90)  # how far the calendar looks
SOON = timedelta(days=30)  # what is called due


class Mode(enum.StrEnum):
    """Who has to do something before paid time ends: a person, nobody, or a person although it should run by itself."""

    MANUAL = "manual"
    AUTO = "auto"
    FAIL = "fail"  # auto-renewal with a card that can't be charged, or was declined


class What(enum.StrEnum):
    """What a list is about; what it counts, a tile with the same name counts too."""

    DUE = "due"  # in grace, or ending within the time asked for
    NEW = "new"  # never activated
    LAPSED = "lapsed"
    UNPAID = "unpaid"  # on and not paid for: never activated, lapsed, or running with a part that is not paid
    UNUSED = "unused"  # paid for and not on
    PAID = "paid"  # on and in force, grace included
    ALL = "all"  # everything that is on, paid or not


def prices_for(distributor_id: int | None, *, at: datetime) -> PriceTable | None:
    """The prices a distributor's tree is charged at an instant, its own list before the default; two statements.

    None when there is no list: the page counts items then, and shows no money.
    """
    if distributor_id is None:
        return None
    currency = Organization.objects.filter(pk=distributor_id).values("currency")
    found = (
        PriceList.objects.filter(Q(distributor_id=distributor_id) | Q(distributor=None), valid_from__lte=at)
        .filter(currency=Subquery(currency))
        .order_by(F("distributor_id").asc(nulls_last=True), "-valid_from", "-number")
        .first()
    )
    return table_with_former(found, distributor_id, at=at) if found else None


def thirty_days(kinds: Iterable[tuple[Product, int]], prices: PriceTable | None, now: datetime) -> list[int | None]:
    """What 30 days of each (product, count) cost; None for all where one of them has no price."""
    rows = [
        Item(
            at,
            product.service_type,
            product.variant,
            count=count,
            project_type=product.project_type,
            price_class=product.price_class,
        )
        for at, (product, count) in enumerate(kinds)
    ]
    if prices is None:
        return [None] * len(rows)
    try:
        return [line.amount_minor for line in quote(rows, Cycles(1), now, prices).lines]
    except MissingPrice:
        return [None] * len(rows)


def worth_of(
    what: What, rows: Iterable[tuple[Product, str, bool, int]], prices: PriceTable | None, now: datetime
) -> list[int | None]:
    """What 30 days of each (product, paid variant, whether it is in force, count) come to, in the sense of a list: of
    what is paid there, of what is on and not paid there, else of what is on. None for all where one of them has no price."""
    rows = list(rows)
    if what is What.PAID:
        was_paid = prices.as_paid() if prices else None
        return thirty_days(((product._replace(variant=paid), n) for product, paid, _alive, n in rows), was_paid, now)
    if what is not What.UNPAID:
        return thirty_days(((product, n) for product, _paid, _alive, n in rows), prices, now)
    if prices is None:
        return [None] * len(rows)
    try:
        return [
            n * unit_price(*prices.change_parts(product, paid if alive else "")) for product, paid, alive, n in rows
        ]
    except MissingPrice:
        return [None] * len(rows)


def total_of(amounts: Iterable[int | None]) -> int | None:
    """The sum of amounts, None where one of them is unknown."""
    amounts = list(amounts)
    return None if None in amounts else sum(amount or 0 for amount in amounts)


# --- what ends when -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """Items alike whose paid time ends on one day; what is in grace already counts for today.

    `amount_minor` is what 30 more days cost them all, None where there is no price.
    """

    day: date
    mode: Mode
    installer_id: int
    count: int
    amount_minor: int | None


def forecast(actor: Actor, *, now: datetime, zone: tzinfo, prices: PriceTable | None) -> list[Due]:
    """What ends within `HORIZON`, by the day at its site; one statement. What has lapsed renews from now and is not in it, and what ended
    is put to today in `zone`."""
    rows = list(
        _due(Entitlement.objects.visible_to(actor), now, now + HORIZON)
        .order_by()
        .annotate(day=SiteDay("expires_at", "site__time_zone"), mode=_mode(now))
        .values_list("day", "mode", "installer_id", "service_type", "variant", "site__kind")
        .annotate(n=Count("pk"))
    )
    amounts = thirty_days(((Product(*product), n) for _d, _m, _i, *product, n in rows), prices, now)
    today = now.astimezone(zone).date()
    return [
        Due(max(day, today), Mode(mode), installer_id, n, amount)
        for (day, mode, installer_id, *_product, n), amount in zip(rows, amounts, strict=True)
    ]


def _due(rows: QuerySet[Entitlement], now: datetime, until: datetime) -> QuerySet[Entitlement]:
    return rows.exclude(variant="").filter(works_until__gt=now, expires_at__lte=until)


def _mode(now: datetime) -> Case:
    live = SubscriptionItem.objects.filter(
        entitlement=OuterRef("pk"), is_live=True, subscription__state=Subscription.State.ACTIVE
    )
    return Case(
        When(reports.renews(now), then=Value(Mode.AUTO.value)),
        When(Exists(live), then=Value(Mode.FAIL.value)),
        default=Value(Mode.MANUAL.value),
        output_field=CharField(),
    )


# --- how it stands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """The wanted items of an installer: never activated, in force (grace included), lapsed. `unpaid` have something on that is not
    paid for, so all that are not in force do; `unused` are in force with something paid that is not on. `due` end within `SOON`,
    costing `due_minor`."""

    items: int = 0
    never: int = 0
    in_force: int = 0
    lapsed: int = 0
    unpaid: int = 0
    unused: int = 0
    due: int = 0
    due_minor: int | None = 0

    @property
    def percent(self) -> int:
        """How much of what is wanted is paid; only complete is 100."""
        return self.in_force * 100 // self.items if self.items else 0

    def __add__(self, other: Standing) -> Standing:
        return Standing(
            self.items + other.items,
            self.never + other.never,
            self.in_force + other.in_force,
            self.lapsed + other.lapsed,
            self.unpaid + other.unpaid,
            self.unused + other.unused,
            self.due + other.due,
            total_of((self.due_minor, other.due_minor)),
        )


def standings(
    actor: Actor, *, now: datetime, prices: PriceTable | None, by: str = "installer_id"
) -> dict[int, Standing]:
    """How the items one sees stand, by installer (or by another key column, such as `site_id`); one statement."""
    rows = list(
        Entitlement.objects.visible_to(actor)
        .order_by()
        .values_list(by, "service_type", "variant", "site__kind", "paid_variant")
        .annotate(
            n=Count("pk"),
            never=Count("pk", filter=Q(expires_at=None)),
            alive=Count("pk", filter=Q(works_until__gt=now)),
            due=Count("pk", filter=Q(works_until__gt=now, expires_at__lte=now + SOON)),
        )
    )
    amounts = thirty_days(((Product(*row[1:4]), row[-1]) for row in rows), prices, now)
    found: dict[int, Standing] = {}
    for (key, kind, variant, _type, paid, n, never, alive, due), amount in zip(rows, amounts, strict=True):
        unused = alive * bool(catalogue.unused(kind, variant, paid))
        one = (
            Standing(
                n,
                never,
                alive,
                n - never - alive,
                n - alive + alive * bool(catalogue.uncovered(kind, variant, paid)),
                unused,
                due,
                amount,
            )
            if variant
            else Standing(unused=unused)
        )
        found[key] = found.get(key, Standing()) + one
    return found


# --- whose it is --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Firm:
    """An organization with what is below it. `waiting` apartments need an indoor monitor and have none."""

    organization: Organization
    sites: int
    apartments: int
    waiting: int
    due_sites: int
    installers: int = 0


def installers(actor: Actor, *, now: datetime) -> list[Firm]:
    """The installers one sees (an installer: itself), by name; a statement for each number, whatever there is."""
    rows = Organization.objects.visible_to(actor).installers().select_related("distributor", "subdistributor")
    return _firms(actor, rows, "installer_id", now)


def distributors(actor: Actor, *, now: datetime) -> list[Firm]:
    """The distributors one sees, by name; a statement for each number."""
    rows = Organization.objects.visible_to(actor).filter(kind=Kind.DISTRIBUTOR)
    return _firms(actor, rows, "distributor_id", now)


def _firms(actor: Actor, rows: QuerySet[Organization], key: str, now: datetime) -> list[Firm]:
    """Each number is counted over what the actor sees, not for each firm: a subquery would read what strangers hold."""
    due = _due(Entitlement.objects.visible_to(actor), now, now + SOON)
    sites = _counts(Site.objects.visible_to(actor), key)
    apartments = Apartment.objects.visible_to(actor).order_by().values_list(key)
    units = {
        pk: (n, waiting)
        for pk, n, waiting in apartments.annotate(
            n=Count("pk"), waiting=Count("pk", filter=device_reports.MONITOR_MISSING)
        )
    }
    due_sites = dict(due.order_by().values_list(key).annotate(n=Count("site_id", distinct=True)))
    below = _counts(Organization.objects.visible_to(actor).installers(), key) if key == "distributor_id" else {}
    return [
        Firm(
            row,
            sites=sites.get(row.pk, 0),
            apartments=units.get(row.pk, (0, 0))[0],
            waiting=units.get(row.pk, (0, 0))[1],
            due_sites=due_sites.get(row.pk, 0),
            installers=below.get(row.pk, 0),
        )
        for row in rows
    ]


def _counts(rows: QuerySet[Any], key: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(key).annotate(n=Count("pk")))


# --- auto-renewals ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreements:
    """Auto-renewals: how many run, how many of them with a card that can't be charged, how many a problem stopped lately."""

    active: int
    unchargeable: int
    stopped: int

    @property
    def at_risk(self) -> int:
        """How many need somebody."""
        return self.unchargeable + self.stopped


AT_RISK, RUNNING, OVER = 0, 1, 2


def ranked(rows: QuerySet[Subscription], *, now: datetime) -> QuerySet[Subscription]:
    """Agreements with `rank` and `due`: what needs somebody first (the last charge failed, the card can't be charged, or a problem
    stopped it lately), then what runs, then what is over. "Lately" is the last 30 days: what stopped earlier has lapsed or was renewed."""
    active = Q(state=Subscription.State.ACTIVE)
    stopped = Q(state=Subscription.State.PARKED, ended_at__gt=now - CYCLE)
    chargeable = Q(usable_method("method__"), tries=0)
    return rows.annotate(
        rank=Case(
            When(active & chargeable, then=Value(RUNNING)),
            When(active | stopped, then=Value(AT_RISK)),
            default=Value(OVER),
            output_field=IntegerField(),
        ),
        due=Coalesce("next_due_at", "ended_at", "created_at"),
    )


def agreements(actor: Actor, *, now: datetime) -> Agreements:
    """The auto-renewals one sees; one statement."""
    active, at_risk = Q(state=Subscription.State.ACTIVE), Q(rank=AT_RISK)
    return Agreements(
        **ranked(Subscription.objects.visible_to(actor), now=now).aggregate(
            active=Count("pk", filter=active),
            unchargeable=Count("pk", filter=active & at_risk),
            stopped=Count("pk", filter=~active & at_risk),
        )
    )


# --- the lists behind the numbers ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SiteLine:
    """Items alike at one site. `ends_at` is the first end among them, `works_until` the first end of a grace; `amount_minor` as `worth_of` says for
    the list."""

    site_id: int
    site_name: str
    zone: str
    installer_name: str
    service_type: str
    variant: str
    paid_variant: str
    mode: Mode
    count: int
    ends_at: datetime | None
    works_until: datetime | None
    amount_minor: int | None
    is_in_force: bool = True

    @property
    def renews(self) -> bool:
        """Whether they are renewed by themselves."""
        return self.mode is Mode.AUTO

    @property
    def service_label(self) -> str:
        """The service type in words."""
        return str(catalogue.SERVICE_TYPE_LABELS[self.service_type])

    @property
    def variant_label(self) -> str:
        """What is configured, in words."""
        return catalogue.variant_label(self.service_type, self.variant)

    @property
    def unpaid_labels(self) -> list[str]:
        """What is on and not paid for."""
        parts = catalogue.uncovered(self.service_type, self.variant, self.paid_variant, is_in_force=self.is_in_force)
        return catalogue.part_labels(self.service_type, parts)

    @property
    def unused_labels(self) -> list[str]:
        """What is paid for and not on."""
        parts = catalogue.unused(self.service_type, self.variant, self.paid_variant) if self.is_in_force else ()
        return catalogue.part_labels(self.service_type, parts)


def lines_of(
    actor: Actor,
    what: What,
    *,
    now: datetime,
    zone: tzinfo,
    prices: PriceTable | None,
    days: tuple[date, date] | None = None,
) -> list[SiteLine]:
    """The items behind a number, gathered by site and service, what ends first at the top; one statement.

    `days` narrows what is due to those days at the sites, both included; up to today in `zone` also what ended before, and on the last day of the
    horizon all that it reaches.
    """
    seen = Entitlement.objects.visible_to(actor)
    rows = (
        _narrowed(seen, what, now, now + (HORIZON if days else SOON))
        .order_by()
        .annotate(mode=_mode(now), day=SiteDay("expires_at", "site__time_zone"), alive=_alive(now))
    )
    if what is What.DUE and days:
        first = Q(day__gte=days[0])
        if days[0] <= now.astimezone(zone).date():
            first = Q()  # what is in grace counts for today
        last = Q(day__lte=days[1])
        if days[1] >= now.astimezone(zone).date() + HORIZON:
            last = Q()  # the calendar's last day has what ends the day after it, at sites further east
        rows = rows.filter(first, last)
    site = ("site_id", "site__name", "site__time_zone", "installer__name")
    groups = (*site, "service_type", "variant", "paid_variant", "mode", "alive", "site__kind")
    found = list(
        rows.values_list(*groups)
        .annotate(n=Count("pk"), ends=Min("expires_at"), stops=Min("works_until"))
        .order_by(
            F("ends").asc(nulls_last=True),
            "site__name_order",
            "site_id",
            "service_type",
            "variant",
            "paid_variant",
            "mode",
        )
    )
    if what is What.UNPAID:
        found = [row for row in found if catalogue.uncovered(*row[4:7], is_in_force=row[8])]
    elif what is What.UNUSED:
        found = [row for row in found if catalogue.unused(*row[4:7])]
    amounts = worth_of(what, ((Product(row[4], row[5], row[9]), row[6], row[8], row[10]) for row in found), prices, now)
    return [
        SiteLine(site_id, name, site_zone, installer, kind, variant, paid, Mode(mode), n, ends, stops, amount, alive)
        for (
            site_id,
            name,
            site_zone,
            installer,
            kind,
            variant,
            paid,
            mode,
            alive,
            _type,
            n,
            ends,
            stops,
        ), amount in zip(found, amounts, strict=True)
    ]


def _narrowed(rows: QuerySet[Entitlement], what: What, now: datetime, until: datetime) -> QuerySet[Entitlement]:
    if what is What.DUE:
        return _due(rows, now, until)
    if what is What.NEW:
        return rows.exclude(variant="").filter(expires_at=None)
    if what is What.LAPSED:
        return rows.exclude(variant="").filter(works_until__lte=now)
    if what is What.PAID:
        return rows.exclude(variant="").filter(works_until__gt=now)
    if what is What.ALL:
        return rows.exclude(variant="")
    if what is What.UNPAID:
        paid = Q(works_until__gt=now, variant=F("paid_variant"))
        return rows.exclude(variant="").exclude(paid)
    return rows.filter(works_until__gt=now).exclude(variant=F("paid_variant"))


def _alive(now: datetime) -> Case:
    return Case(When(works_until__gt=now, then=True), default=False, output_field=BooleanField())


@dataclass(frozen=True, slots=True)
class Waiting:
    """Apartments of one site that need an indoor monitor and have none."""

    site_id: int
    site_name: str
    installer_name: str
    count: int


def waiting(actor: Actor) -> list[Waiting]:
    """Where indoor monitors are missing, the most first; one statement."""
    rows = (
        device_reports.without_monitor(Apartment.objects.visible_to(actor))
        .order_by()
        .values_list("site_id", "site__name", "installer__name")
        .annotate(n=Count("pk"))
        .order_by("-n", "site__name_order", "site_id")
    )
    return [Waiting(*row) for row in rows]


# --- what a site pays for -----------------------------------------------------------------------------------------------


Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A site's wanted items, parted: `paid` are in force and come to `paid_minor` every 30 days, as far as they are paid; `open` are
    not in force; having everything on paid would cost `more_minor` more. Each of the counts is by service type."""

    paid_minor: int | None = 0
    more_minor: int | None = 0
    paid: Counts = ()
    open: Counts = ()

    @property
    def named_paid(self) -> list[tuple[str, int]]:
        """What is paid, with the service types in words."""
        return _in_words(self.paid)

    @property
    def named_open(self) -> list[tuple[str, int]]:
        """What is on and not in force, with the service types in words."""
        return _in_words(self.open)


def _in_words(counts: Counts) -> list[tuple[str, int]]:
    return [(str(catalogue.SERVICE_TYPE_LABELS[kind]), n) for kind, n in counts]


def coverage(actor: Actor, *, now: datetime, prices: PriceTable | None) -> dict[int, Coverage]:
    """What is paid and what is only on at the sites one sees, by site; one statement."""
    rows = (
        Entitlement.objects.visible_to(actor)
        .wanted()
        .order_by("service_type")
        .annotate(alive=_alive(now))
        .values_list("site_id", "service_type", "variant", "site__kind", "paid_variant", "alive")
        .annotate(n=Count("pk"))
    )
    by_site: dict[int, list[tuple[Product, str, bool, int]]] = {}
    for site_id, kind, variant, project_type, *row in rows:
        by_site.setdefault(site_id, []).append((Product(kind, variant, project_type), *row))
    return {site_id: _covered(of_site, prices, now) for site_id, of_site in by_site.items()}


def _covered(rows: list[tuple[Product, str, bool, int]], prices: PriceTable | None, now: datetime) -> Coverage:
    paid, unpaid = [row for row in rows if row[2]], [row for row in rows if not row[2]]
    return Coverage(
        total_of(worth_of(What.PAID, paid, prices, now)),
        total_of(worth_of(What.UNPAID, rows, prices, now)),
        _by_type(paid),
        _by_type(unpaid),
    )


def _by_type(rows: list[tuple[Product, str, bool, int]]) -> Counts:
    counts: dict[str, int] = {}
    for product, _paid, _alive, n in rows:
        counts[product.service_type] = counts.get(product.service_type, 0) + n
    return tuple(counts.items())
