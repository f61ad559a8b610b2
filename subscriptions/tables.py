"""Price lists as values for `quote`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import F, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.typed import days
from subscriptions.models import Price, PriceList
from subscriptions.prices import MissingPrice, PriceKey, PriceTable

# columns of a price list that a table needs
NAMED = ("id", "number", "valid_from", "currency", "is_invented", "includes_tax")


def table_for(distributor: Organization, *, at: datetime, with_former: bool = False, currency: str = "") -> PriceTable:
    """The prices of `distributor`'s tree at an instant, in its currency or in another one, such as credits. Raises MissingPrice when there
    is no list at all.

    `with_former` also reads the last prices of products that left the list: an upgrade needs the price of what was paid.
    """
    currency = currency or distributor.currency
    in_force = PriceList.objects.newest(distributor.pk, currency, at)
    if not with_former:
        prices = Price.objects.filter(price_list=Subquery(in_force.values("pk")[:1])).order_by()
        rows = prices.values_list(*PriceKey._fields, "amount_minor", *(f"price_list__{name}" for name in NAMED))
        if found := list(rows):  # one statement for the list and what is in it
            width = len(PriceKey._fields)
            listed = PriceList(**dict(zip(NAMED, found[0][width + 1 :], strict=True)))
            return replace(_named(listed), amounts={PriceKey(*row[:width]): row[width] for row in found})
    price_list = in_force.first()
    if price_list is None:
        raise MissingPrice(
            _("There is no price list in %(currency)s yet. Ask the operator for one.") % {"currency": currency}
        )
    return table_with_former(price_list, distributor.pk, at=at) if with_former else table_of(price_list)


def table_with_former(price_list: PriceList, distributor_id: int, *, at: datetime) -> PriceTable:
    """The list in force, with the newest price of every part that it does not have any more; one statement."""
    all_there_were = PriceList.objects.that_were_in_force(distributor_id, price_list.currency, at)
    rows = Price.objects.filter(price_list__in=all_there_were).order_by(
        F("price_list__distributor_id").asc(nulls_last=True), "-price_list__valid_from", "-price_list__number"
    )
    amounts: dict[PriceKey, int] = {}
    former: dict[PriceKey, int] = {}
    for list_id, amount, *key in rows.values_list("price_list", "amount_minor", *PriceKey._fields):
        (amounts if list_id == price_list.pk else former).setdefault(PriceKey(*key), amount)
    left = {key: amount for key, amount in former.items() if key not in amounts}
    return replace(_named(price_list), amounts=amounts, former=left)


def table_of(price_list: PriceList) -> PriceTable:
    """A price list as a value for `quote`."""
    amounts = {price.key: price.amount_minor for price in price_list.prices.all()}
    return replace(_named(price_list), amounts=amounts)


def _named(price_list: PriceList) -> PriceTable:
    label = _("Price list %(number)s, from %(date)s") % {
        "number": price_list.number,
        "date": days.day_words(timezone.localdate(price_list.valid_from), days.language()),
    }
    return PriceTable(
        price_list.pk,
        label,
        price_list.currency,
        {},
        is_invented=price_list.is_invented,
        includes_tax=price_list.includes_tax,
    )
