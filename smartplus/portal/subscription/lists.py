"""The list of what can be activated, as its page shows it."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy, ngettext

from communities import catalogue
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search

SERVICES = Filter(
    "service",
    {code: Option(label) for code, label in catalogue.CHOICES.items()},
    label=gettext_lazy("Service type"),
    every=gettext_lazy("All service types"),
    is_select=True,
)
PRICE = Column("price", css="r")
TO_ACTIVATE = List(
    title=gettext_lazy("Activate"),
    columns=(
        Column("chosen", gettext_lazy("Chosen"), css="c0", is_silent=True),
        Column("target", gettext_lazy("For")),
        Column("service", gettext_lazy("Service as configured")),
        PRICE,
    ),
    search=Search(gettext_lazy("Search"), gettext_lazy("Apartment, resident, site")),
    filters=(SERVICES,),
    table="two-line cards subs",
    bar="below",
)


def to_activate_for(months: int) -> List:
    """The list with the price of so many months."""
    label = ngettext("%(n)s month", "%(n)s months", months) % {"n": months}
    return replace(TO_ACTIVATE, columns=(*TO_ACTIVATE.columns[:-1], replace(PRICE, label=label)))
