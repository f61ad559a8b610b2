"""The list of the accounts of a commercial site."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy

from accounts.typed import phones
from accounts.typed.finding import holds, matching
from communities.models import AccountKind
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search, options

SHOW = Filter(
    "show",
    {
        "on": Option(gettext_lazy("Intercom on"), Q(archived_at=None, intercom=True)),
        "off": Option(gettext_lazy("Intercom off"), Q(archived_at=None, intercom=False)),
        "archived": Option(gettext_lazy("Archived"), Q(archived_at__isnull=False)),
    },
    every="",
)


def _found(text: str) -> Q:
    number = phones.digits(text)
    return matching(text, "search_key") | (holds(number, "search_key") if number else Q(pk__in=()))


PEOPLE = List(
    title=gettext_lazy("People"),
    columns=(
        Column("name", gettext_lazy("Person"), keys=["name_order"]),
        Column("kind", gettext_lazy("Account"), keys=["kind", "name_order"]),
        Column("intercom", gettext_lazy("Intercom"), keys=["intercom", "name_order"]),
        Column("until", gettext_lazy("Paid until")),
        Column("do", gettext_lazy("Actions"), is_silent=True),
    ),
    own="name",
    search=Search(
        gettext_lazy("Search the people"),
        gettext_lazy("Name, email, mobile"),
        lambda rows, text, _actor: rows.filter(_found(text)),
    ),
    filters=(Filter("kind", options("kind", AccountKind), label=gettext_lazy("Account")), SHOW),
    layout="sites/site.html",
    table="two-line cards units",
    has_file=True,
)
SHOWN = ("kind", "name", "email", "mobile", "intercom", "target_id", "archived_at", "version")
