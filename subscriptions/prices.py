"""What has a price and by which key it is found, and one version of a price list as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy, ngettext

from accounts.errors import Refused
from communities import catalogue
from communities.models import Kind as ProjectType

Parts = tuple[tuple[str, int], ...]  # what a 30-day price is the sum of: (part, minor units)


class CantQuote(Refused):
    """What is chosen has no price, or can't be bought for so long."""


class MissingPrice(CantQuote):
    """The price list does not name prices that are needed; the message says which (DOMAIN §3)."""


class PriceClass(models.TextChoices):
    """A site that is connected to a property management system has the class Integration, any other Normal (S2)."""

    NORMAL = "normal", gettext_lazy("Normal")
    INTEGRATION = "integration", gettext_lazy("Integration")


class PriceKey(NamedTuple):
    """What a price of a list is for."""

    service_type: str
    part: str
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL

    @property
    def fallback(self) -> PriceKey | None:
        """Whose price counts where the list has none for this key: Integration is sold at the Normal price, a house at the Community's."""
        if self.price_class != PriceClass.NORMAL:
            return self._replace(price_class=PriceClass.NORMAL)
        if self.project_type == ProjectType.HOUSE:
            return self._replace(project_type=ProjectType.COMMUNITY)
        return None

    @property
    def part_label(self) -> str:
        """What of the service it is for, in words; the Normal price of communities is meant where nothing else is said."""
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
    """Every price that a list can name, in the order of its page. Only communities can be connected, so only they have two classes."""
    for project_type in ProjectType.values:
        classes = PriceClass.values if project_type == ProjectType.COMMUNITY else [PriceClass.NORMAL.value]
        for service_type, part in catalogue.priced_in(project_type):
            yield from (PriceKey(service_type, part, project_type, price_class) for price_class in classes)


class Product(NamedTuple):
    """What has one price per 30 days: a service in a variant, at a site of a project type and price class."""

    service_type: str
    variant: str
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL

    @property
    def code(self) -> str:
        """What names it within one order, which is of one project type."""
        parts = (self.service_type, self.variant)
        return ":".join(parts if self.price_class == PriceClass.NORMAL else (*parts, self.price_class))

    @property
    def price_keys(self) -> tuple[PriceKey, ...]:
        """The prices whose sum is the product's."""
        return tuple(
            PriceKey(service_type, part, self.project_type, self.price_class)
            for service_type, part in catalogue.price_parts(self.service_type, self.variant)
        )


@dataclass(frozen=True, slots=True)
class PriceTable:
    """One version of a price list as values: amount per 30 days, in minor units, by key; with `includes_tax` tax is contained in them
    (gross), else it is added (net)."""

    list_id: int
    label: str  # "Price list 7, from 1 Oct 2026"
    currency: str
    amounts: Mapping[PriceKey, int]
    is_invented: bool = False  # demo prices are labelled so
    former: Mapping[PriceKey, int] = field(default_factory=dict)  # last prices of what left the list
    includes_tax: bool = False

    def amount_of(self, key: PriceKey) -> int | None:
        """The price of a key or of what it falls back to; None where the list has none."""
        at: PriceKey | None = key
        while at is not None:
            if at in self.amounts:
                return self.amounts[at]
            at = at.fallback
        return None

    def as_paid(self) -> PriceTable:
        """The table that also prices what left the list, at its last price: for what was paid for already, never for what is sold."""
        left = {key: amount for key, amount in self.former.items() if self.amount_of(key) is None}
        return replace(self, amounts={**left, **self.amounts}, former={})

    def change_parts(self, product: Product, paid_variant: str) -> tuple[Parts, Parts]:
        """The parts of a product and of its paid variant, for the difference between them. What is paid for may have left the list: it is
        priced as it last was, on both sides alike. Raises MissingPrice for what is new and has no price."""
        before = product._replace(variant=paid_variant)
        paid = self.as_paid().parts(before)
        covered = {key: amount for key, (_part, amount) in zip(before.price_keys, paid, strict=True)}
        return replace(self, amounts={**covered, **self.amounts}).parts(product), paid

    def parts(self, product: Product) -> Parts:
        """What the 30-day price of a product is made of: (part, minor units). Raises MissingPrice."""
        found = [(key.part, self.amount_of(key)) for key in product.price_keys]
        known = tuple((part, amount) for part, amount in found if amount is not None)
        if len(known) < len(found):
            self.refuse_missing([product])
        return known

    def refuse_missing(self, products: Iterable[Product]) -> None:
        """Raise MissingPrice that names everything these products need and the list has not."""
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
    """Minor units per 30 days of `parts`, less what is paid for already; not below 0, since nothing is given back."""
    return max(0, sum(amount for _name, amount in parts) - sum(amount for _name, amount in paid))
