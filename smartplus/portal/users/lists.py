"""The lists of Users: firms below the own one by kind, and the own people."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts import actions
from accounts.models import Kind, Membership, Organization
from accounts.scope import Actor, Role
from accounts.typed.finding import matching
from accounts.typed.text import isolated
from smartplus import access
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.users import exports as user_files
from smartplus.portal.users import queries as user_lists
from smartplus.portal.users import rows as user_rows
from smartplus.portal.users.queries import CHIPS, PEOPLE, TABS, TECHNICIANS, person_matches
from smartplus.portal.users.views import MANAGERS_OF_PEOPLE, NEW_BY_TAB


def searched_firms(found: QuerySet[Organization], text: str, _actor: Actor) -> QuerySet[Organization]:
    """Those of this name or city, and those with such a person."""
    theirs = Membership.objects.filter(person_matches(text), organization=OuterRef("pk"))
    return found.filter(matching(text, "search_key") | Exists(theirs))


FIRMS = List(
    title=gettext_lazy("Users"),
    columns=(
        Column("name", gettext_lazy("Firm"), keys=["name_order"]),
        Column("contact", gettext_lazy("Contact")),
        Column("pays", gettext_lazy("Pay by Installer"), keys=["pays_regular", "pays_credits", "name_order"]),
        Column("security", gettext_lazy("Two-factor"), keys=["require_2fa", "name_order"], css="col-840"),
        Column("installers", gettext_lazy("Installers"), css="r"),
        Column("sites", gettext_lazy("Sites"), css="r col-760"),
        Column("people", gettext_lazy("People"), css="r col-960"),
        Column("standing", gettext_lazy("Status"), keys=["is_active", "has_joined", "name_order"]),
    ),
    own="name",
    search=Search(gettext_lazy("Search"), gettext_lazy("Name, email or city"), searched_firms),
    layout="users/base.html",
    table="two-line cards firms",
    has_file=True,
)
OWN_PEOPLE = List(
    title=gettext_lazy("Users"),
    columns=(
        Column("name", gettext_lazy("Person"), keys=["list_order"]),
        Column("role", gettext_lazy("Role"), keys=["is_technician", "list_order"]),
        Column("sites", gettext_lazy("Sites"), css="r"),
        Column("may", gettext_lazy("May"), css="col-560"),
        Column("standing", gettext_lazy("Status"), keys=["is_active", "list_order"]),
        Column("signed_in", gettext_lazy("Last sign-in"), keys=["signed_in_at", "list_order"], css="col-760"),
    ),
    own="name",
    search=Search(
        gettext_lazy("Search"),
        gettext_lazy("Name or email"),
        lambda people, text, _actor: people.filter(person_matches(text)),
    ),
    filters=(
        Filter(
            "show",
            {
                "invited": Option(CHIPS["invited"].label, Q(is_active=True, joined_at=None)),
                "inactive": CHIPS["inactive"],
            },
        ),
    ),
    layout="users/base.html",
    table="two-line cards people-t",
    has_file=True,
)
ONLY_INSTALLERS = ("pays", "security")  # columns, of which the others' order would tell
NAMES = {
    Kind.DISTRIBUTOR: gettext_lazy("Distributor"),
    Kind.SUBDISTRIBUTOR: gettext_lazy("Sub-distributor"),
    Kind.INSTALLER: gettext_lazy("Installer"),
}
HAVE_INSTALLERS = (Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR)
STAND_UNDER_OTHERS = (Kind.INSTALLER, Kind.MANAGER, Kind.SUBDISTRIBUTOR)


@access.roles(*MANAGERS_OF_PEOPLE)
@require_safe
def user_list(request: access.PortalRequest) -> HttpResponseBase:
    """Firms below the own one by kind, and the own people; search, chips and page are in the address. `format=csv` or `xlsx`: as a file."""
    asked, known = request.GET.get("tab", ""), TABS[request.actor.role]
    tab = asked if asked in known else known[0]
    return _people(request, tab) if tab in {PEOPLE, TECHNICIANS} else _firms(request, tab)


def _people(request: access.PortalRequest, tab: str) -> HttpResponseBase:
    hidden = "may" if tab == TECHNICIANS else "sites"
    listing = OWN_PEOPLE.asked(request, hidden=[hidden], kept={"tab": tab})
    found = listing.narrowed(user_lists.own_people(request.actor, technicians=tab == TECHNICIANS, now=request.now))
    if listing.file:
        lines = user_files.people(listing.sorted(found), request.now)
        return listing.answer(tab, user_files.people_columns(), lines, of=found)
    page = listing.page(found)
    cells = user_rows.people(user_lists.people_of(page.rows, request.now), request.actor, request.now)
    tabs, _numbers = user_lists.tabs(request.actor, tab)
    context = {**listing.context(page, cells), "rows": "users/_people.html", "new": NEW_BY_TAB[tab]}
    return render(request, "users/list.html", {**context, "tabs": tabs, "tab": tab})


def _firms(request: access.PortalRequest, tab: str) -> HttpResponseBase:
    actor, under = request.actor, typed_id(request.GET.get("under"))
    firms, is_choice = _list_of(actor, tab, under)
    is_below = bool(under) and not is_choice
    kept = {"tab": tab, **({"under": str(under)} if is_below else {})}
    listing = firms.asked(request, hidden=_hidden(tab), kept=kept)
    found = listing.narrowed(user_lists.firms(actor, kind=tab, under=under if is_below else None))
    if listing.file:
        lines = user_files.firms(actor, listing.sorted(found), request.now)
        return listing.answer(tab, user_files.firms_columns(), lines, of=found)
    page = listing.page(found)
    rows = user_lists.with_numbers(actor, page.rows, request.now)
    cells = user_rows.firms(rows, actor, tab=tab, shows_under=actor.role is not Role.INSTALLER, now=request.now)
    tabs, numbers = user_lists.tabs(actor, tab)
    context = {
        **listing.context(page, cells, numbers={"show": numbers}),
        "rows": "users/_firms.html",
        "new": tab if tab in actions.MAY_CREATE.get(actor.role, ()) else "",
        "is_below": is_below,
    }
    return render(request, "users/list.html", {**context, "tabs": tabs, "tab": tab})


def _list_of(actor: Actor, kind: str, under: int) -> tuple[List, bool]:
    """The list of the firms of a kind, with whom they may stand under as a choice, and whether `under` is one of those."""
    is_installers = kind == Kind.INSTALLER
    shown = {name: option for name, option in CHIPS.items() if is_installers or name not in user_lists.ONLY_INSTALLERS}
    above = user_lists.resellers(actor) if kind in STAND_UNDER_OTHERS else ()
    choices = {
        str(firm.pk): Option(_("under %(name)s") % {"name": isolated(firm.name)}, user_lists.stands_under(firm.pk))
        for firm in above
    }
    choice = Filter("under", choices, label=_("Under"), every=_("Under anybody"), is_select=True)
    name, *others = FIRMS.columns
    columns = [replace(name, label=NAMES.get(Kind(kind), name.label)), *others]
    filters = (Filter("show", shown), *([choice] if choices else []))
    return replace(FIRMS, columns=columns, filters=filters), str(under) in choices


def _hidden(kind: str) -> list[str]:
    """The columns that a kind of firms does not have."""
    return [
        *(() if kind == Kind.INSTALLER else ONLY_INSTALLERS),
        *(() if kind in HAVE_INSTALLERS else ("installers",)),
    ]
