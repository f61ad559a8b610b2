"""Prices: what has one, its key, and one version of a price list as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.utils.translation import ngettext

from accounts.errors import Refused
from communities import catalogue
from communities.models import Kind as ProjectType
from communities.models import PriceClass

Parts = tuple[tuple[str, int], ...]  # the parts of a 30-day price: (part, minor units)


class CantQuote(Refused):
    """The chosen items have no price, or can't be bought for so long."""


class MissingPrice(CantQuote):
    """The price list lacks prices that are needed; the message names them (DOMAIN §3)."""


class PriceKey(NamedTuple):
    """The key of a price in a list."""

    service_type: str
    part: str
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL

    @property
    def fallback(self) -> PriceKey | None:
        """The key whose price counts where the list has none for this key: Integration falls back to Normal, a house to the Community."""
        if self.price_class != PriceClass.NORMAL:
            return self._replace(price_class=PriceClass.NORMAL)
        if self.project_type == ProjectType.HOUSE:
            return self._replace(project_type=ProjectType.COMMUNITY)
        return None

    @property
    def part_label(self) -> str:
        """The part of the service, in words; project type and class are named unless they are Community and Normal."""
        words = [catalogue.price_label(self.service_type, self.part)]
        if self.project_type != ProjectType.COMMUNITY:
            words.append(str(ProjectType(self.project_type).label))
        if self.price_class != PriceClass.NORMAL:
            words.append(str(PriceClass(self.price_class).label))
        return ", ".join(words)

    @property
    def label(self) -> str:
        """The price in words: "App, with indoor monitor"."""
        return f"{catalogue.SERVICE_TYPE_LABELS[self.service_type]}, {self.part_label}"


def price_keys() -> Iterator[PriceKey]:
    """Every price that a list can have, in page order. Only communities can be connected, so only they have two classes."""
    for project_type in ProjectType.values:
        classes = PriceClass.values if project_type == ProjectType.COMMUNITY else [PriceClass.NORMAL.value]
        for service_type, part in catalogue.priced_in(project_type):
            yield from (PriceKey(service_type, part, project_type, price_class) for price_class in classes)


class Product(NamedTuple):
    """A thing with one price per 30 days: a service in a variant, at a site of a project type and price class."""

    service_type: str
    variant: str
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL

    @property
    def code(self) -> str:
        """Its identifier within one order, which has one project type."""
        parts = (self.service_type, self.variant)
        return ":".join(parts if self.price_class == PriceClass.NORMAL else (*parts, self.price_class))

    @property
    def price_keys(self) -> tuple[PriceKey, ...]:
        """The keys of the prices that are added up for it."""
        return tuple(
            PriceKey(service_type, part, self.project_type, self.price_class)
            for service_type, part in catalogue.price_parts(self.service_type, self.variant)
        )


@dataclass(frozen=True, slots=True)
class PriceTable:
    """One version of a price list as a value: minor units per 30 days by key; with `includes_tax` gross, else net."""

    list_id: int
    label: str  # "Price list 7, from 1 Oct 2026"
    currency: str
    amounts: Mapping[PriceKey, int]
    is_invented: bool = False  # demo prices are marked so
    former: Mapping[PriceKey, int] = field(default_factory=dict)  # the last prices of products that left the list
    includes_tax: bool = False

    def amount_of(self, key: PriceKey) -> int | None:
        """The price of a key or of its fallback; None where the list has neither."""
        at: PriceKey | None = key
        while at is not None:
            if at in self.amounts:
                return self.amounts[at]
            at = at.fallback
        return None

    def as_paid(self) -> PriceTable:
        """The table including last prices of products that left the list: only for what was paid before, never for new sales."""
        left = {key: amount for key, amount in self.former.items() if self.amount_of(key) is None}
        return replace(self, amounts={**left, **self.amounts}, former={})

    def change_parts(self, product: Product, paid_variant: str) -> tuple[Parts, Parts]:
        """The parts of a product and of its paid variant, for the difference between them. A paid part that left the list keeps its last
        price, on both sides. Raises MissingPrice for a new part without price."""
        before = product._replace(variant=paid_variant)
        paid = self.as_paid().parts(before)
        covered = {key: amount for key, (_part, amount) in zip(before.price_keys, paid, strict=True)}
        return replace(self, amounts={**covered, **self.amounts}).parts(product), paid

    def parts(self, product: Product) -> Parts:
        """The parts of the product's 30-day price: (part, minor units). Raises MissingPrice."""
        found = [(key.part, self.amount_of(key)) for key in product.price_keys]
        known = tuple((part, amount) for part, amount in found if amount is not None)
        if len(known) < len(found):
            self.refuse_missing([product])
        return known

    def refuse_missing(self, products: Iterable[Product]) -> None:
        """Raise MissingPrice naming every price that these products need and the list lacks."""
        needed = dict.fromkeys(key for product in products for key in product.price_keys)
        missing = [key for key in needed if self.amount_of(key) is None]
        if missing:
            names = "; ".join(dict.fromkeys(key.label for key in missing))
            raise MissingPrice(
                ngettext(
                    "%(list)s has no price for %(names)s. Ask the operator to add it.",
                    "%(list)s has no prices for %(names)s. Ask the operator to add them.",
                    len(missing),
                )
                % {"list": self.label, "names": names}
            )


def unit_price(parts: Parts, paid: Parts = ()) -> int:
    """Minor units per 30 days of `parts`, less what is paid already; at least 0, since nothing is given back."""
    return max(0, sum(amount for _name, amount in parts) - sum(amount for _name, amount in paid))
