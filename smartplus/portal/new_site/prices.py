"""The price preview beside the steps of a new site: priced as the saved site will be. Nothing here writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts.models import Organization
from communities import catalogue
from communities.actions.buildings import NewApartment
from smartplus.access import PortalRequest
from smartplus.portal.new_site.plans import Plan
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.price_preview.queries import MOST_MANAGERS, PLANNED_MANAGERS, FormPreview
from subscriptions import rights
from subscriptions.price_preview import PricePreview, preview_of
from subscriptions.prices import PriceTable

MOST_BUILDINGS = 8  # with a line of their own
Alike = Counter[tuple[bool, ...]]  # apartments by their three switches


class Line(NamedTuple):
    """What the apartments of a building cost every 30 days."""

    name: str
    apartments: int
    amount_minor: int

    @property
    def each_minor(self) -> int:
        """What each costs, if all cost the same; else 0."""
        return (
            self.amount_minor // self.apartments if self.apartments and not self.amount_minor % self.apartments else 0
        )


@dataclass(frozen=True, slots=True)
class DraftPrices:
    """The price of a draft, or why there is none. `buildings` are priced one by one, `rest` the others together."""

    preview: FormPreview
    buildings: tuple[Line, ...] = ()
    rest: Line | None = None
    planned_managers: int = 0
    most_managers: int = MOST_MANAGERS

    @property
    def price(self) -> PricePreview | None:
        """The price, if the price list has one for everything."""
        return self.preview.price


def prices_of(request: PortalRequest, plan: Plan) -> DraftPrices | None:
    """The price of a draft; None where prices are hidden from the reader."""
    if not rights.sees_prices(request.actor):
        return None
    rows = Organization.objects.visible_to(request.actor).select_related("distributor")
    firm = rows.get(pk=request.actor.organization_id)
    managers = _managers(plan)
    houses = [(building.name, _alike(building.apartments, plan)) for building in plan.new_buildings]
    zone = plan.basics.cleaned_data["time_zone"] if plan.basics.is_valid() else firm.time_zone
    found: list[PricePreview] = []

    def priced(prices: PriceTable) -> PricePreview:
        def price(alike: Alike, people: int) -> PricePreview:
            draft, counts = _configuration(plan, alike, people)
            return preview_of(draft, (), prices, as_of=request.now, zone=zone, counts=counts)

        found.extend(price(alike, 0) for _name, alike in houses[:MOST_BUILDINGS])
        return price(sum((alike for _name, alike in houses), Alike()), managers)

    preview = FormPreview("new_site/_prices.html", "", "step-form", {})
    preview = price_preview.priced(
        preview, request, firm.distributor, priced, retention_days=_retention(plan), project=catalogue.Project.COMMUNITY
    )
    lines = tuple(
        Line(name or _("Building without a name"), alike.total(), one.every_30_days.total_minor)
        for (name, alike), one in zip(houses, found, strict=False)
    )
    return DraftPrices(preview, lines, _rest(houses, lines, preview, managers), managers)


def _rest(houses: list[tuple[str, Alike]], lines: tuple[Line, ...], preview: FormPreview, managers: int) -> Line | None:
    """The buildings without a line of their own, and what is not billed by building, together."""
    if preview.price is None:
        return None
    left = houses[len(lines) :]
    amount = preview.price.every_30_days.total_minor - sum(line.amount_minor for line in lines)
    if not left and not amount:
        return None
    name = _("Managers with the PM App") if not left else _("%(n)s further buildings") % {"n": len(left)}
    return Line(name, sum(alike.total() for _name, alike in left) or managers, amount)


def _alike(apartments: Iterable[NewApartment], plan: Plan) -> Alike:
    return Alike(
        tuple(flat.switched(plan.switches)[code] for code in catalogue.APARTMENT_SWITCHES) for flat in apartments
    )


def _configuration(plan: Plan, alike: Alike, managers: int) -> tuple[catalogue.Configuration, dict[int | str, int]]:
    """These apartments as billing sees them, each kind once, and how many there are of each."""
    kinds = tuple(
        catalogue.ApartmentConfiguration(at, **dict(zip(catalogue.APARTMENT_SWITCHES, kind, strict=True)))
        for at, kind in enumerate(alike)
    )
    people = tuple(catalogue.ManagerConfiguration(n, pm_app=True) for n in range(managers))
    on = catalogue.normalised(plan.switches)
    draft = catalogue.Configuration(on, _retention(plan), kinds, people)
    return draft, dict(enumerate(alike.values()))


def _managers(plan: Plan) -> int:
    """How many managers with the PM App the person plans with; none as long as the service is off."""
    if not plan.switches["pm_app"]:
        return 0
    typed = str(plan.typed["services"].get("planned_managers", ""))
    return (
        min(int(typed), MOST_MANAGERS) if typed.isascii() and typed.isdigit() and len(typed) < 4 else PLANNED_MANAGERS
    )


def _retention(plan: Plan) -> int:
    typed = str(plan.services["retention_days"].value())
    return int(typed) if typed in map(str, catalogue.RETENTION_DAYS) else catalogue.DEFAULT_RETENTION_DAYS
