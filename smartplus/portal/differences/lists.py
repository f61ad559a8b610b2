"""The differences of everything one sees, and those of one site."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import Organization
from accounts.scope import Role
from smartplus import access
from smartplus.portal.differences import exports, rows, sections
from smartplus.portal.differences.views import MOST_LEFT
from smartplus.portal.kit import keyset, numbers
from smartplus.portal.kit.lists import Column, Filter, List, Listing, Option
from smartplus.portal.kit.prices import prices_of
from smartplus.portal.sites.site_context import READERS, differences_at, site_context, visible_site
from subscriptions import difference_pages, rights, summary
from subscriptions.actions import leaving
from subscriptions.difference_lines import Place
from subscriptions.differences import Kind, Scope, Total, alike, totals
from subscriptions.models import AutoRenewalItem

INSTALLERS = 50  # that are offered in a choice
BOTH = "differ"  # the first two kinds: what the tile of this name counts
SHOW = Filter(
    "show", {kind.value: Option(label) for kind, label in sections.CHIPS.items()}, label=gettext_lazy("What differs")
)
DIFFERENCES = List(
    title=gettext_lazy("Differences"),
    columns=(
        Column("where", gettext_lazy("Where")),
        Column("what", gettext_lazy("What")),
        Column("money", gettext_lazy("Money"), css="r"),
        Column("fix", gettext_lazy("What to do"), is_silent=True),
    ),
    filters=(SHOW,),
    table="two-line cards diffs",
    has_file=True,
)


@access.roles(*READERS)
@require_safe
def differences(request: access.PortalRequest) -> HttpResponseBase:
    """The differences at all sites that one sees, or at those of one installer; with `format=csv` or `xlsx` all of them as a file."""
    offered = _installers(request)
    choice = Filter(
        "installer", {str(pk): Option(name) for pk, name in offered}, label=gettext_lazy("Installer"),
        every=gettext_lazy("All installers"), is_select=True,
    )  # fmt: skip
    declared = replace(DIFFERENCES, filters=(_show(request), *([choice] if len(offered) > 1 else [])))
    listing = declared.asked(request)
    chosen = listing.chosen.get("installer", "")
    scope = Scope(
        request.actor, request.now, timezone.get_current_timezone(), prices_of(request),
        installer_id=int(chosen) if chosen else None,
    )  # fmt: skip
    return _answer(request, "differences/list.html", listing, scope, {}, name="differences")


@access.roles(*READERS)
@require_safe
def site_differences(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The differences at one site; with `format=csv` or `xlsx` all of them as a file."""
    site = visible_site(request, site_id)
    listing = replace(DIFFERENCES, layout="sites/site.html", filters=(_show(request),)).asked(request)
    sees = rights.sees_prices(request.actor)
    prices = summary.prices_for(site.distributor_id, at=request.now) if sees else None
    scope = differences_at(request, site, prices)
    name = f"{slugify(site.name) or f'site-{site.pk}'}-differences"
    return _answer(
        request, "differences/site.html", listing, scope, site_context(request, site, "differences"), name=name
    )


def _installers(request: access.PortalRequest) -> list[tuple[int, str]]:
    """The installers to choose from; none where there are too many."""
    if request.actor.role not in {Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR}:
        return []
    seen = Organization.objects.visible_to(request.actor).installers()
    found = list(seen.order_by("name_order", "pk").values_list("pk", "name")[: INSTALLERS + 1])
    return found if len(found) <= INSTALLERS else []


def _show(request: access.PortalRequest) -> Filter:
    """The chips; one more where the address asks for both kinds of a tile."""
    if request.GET.get(SHOW.name) != BOTH:
        return SHOW
    return replace(SHOW, options={BOTH: Option(gettext_lazy("Paid and used differ")), **SHOW.options})


def _kinds(listing: Listing) -> list[Kind]:
    shown = listing.chosen.get(SHOW.name, "")
    return [Kind.UNPAID, Kind.UNUSED] if shown == BOTH else [Kind(shown)] if shown else list(Kind)


def _answer(
    request: access.PortalRequest, template: str, listing: Listing, scope: Scope, frame: Mapping[str, Any], *, name: str
) -> HttpResponseBase:
    kinds, currency = _kinds(listing), scope.prices.currency if scope.prices else ""
    if listing.file:
        lines = exports.lines(scope, difference_pages.every(scope, kinds), currency)
        return listing.answer(name, exports.columns(shows_prices=scope.prices is not None), lines)
    items = alike(scope)
    found = totals(scope, items)
    after = _place(request.GET.get("after", ""))
    units, last = difference_pages.page(scope, items, kinds, after=after, size=listing.list.size)
    page: keyset.Page[Any] = keyset.Page([line for _place, lines in units for line in lines], "", _key(last))
    reader = rows.Reader.of(request, scope, units, currency)
    context = {
        **frame,
        "n_differences": _together(found.values()),
        **listing.context(page, sections.cells(units, found, reader), numbers={SHOW.name: _numbers(found)}),
        "count": _together(found[kind] for kind in kinds),
        "differing": page.rows,
        "left": _left(request),
        "facts": sections.facts(found, currency),
        "may_stop": bool(reader.stoppable),
        "is_invented": scope.prices is not None and scope.prices.is_invented,
    }
    return render(request, template, context)


def _left(request: access.PortalRequest) -> list[int]:
    """What was just renewed no more and can be renewed again: rows of auto-renewals that the address names."""
    ids = [pk for pk in map(numbers.typed_id, request.GET.getlist("left")[:MOST_LEFT]) if pk]
    if not ids or not rights.may_pay(request.actor):
        return []
    gone = AutoRenewalItem.objects.visible_to(request.actor).filter(pk__in=ids, is_live=False, reason=leaving.TAKEN_OUT)
    return list(gone.values_list("pk", flat=True))


def _numbers(found: Mapping[Kind, Total]) -> dict[str, object]:
    each = {kind.value: total.shown for kind, total in found.items()}
    both = _together([found[Kind.UNPAID], found[Kind.UNUSED]])
    return {"": _together(found.values()), BOTH: both, **each}


def _together(parts: Any) -> str:
    parts = list(parts)
    n = sum(part.count for part in parts)
    return f"{n}+" if any(part.shown.endswith("+") for part in parts) else str(n)


def _key(place: Place | None) -> str:
    """The address of the page after a row."""
    return "" if place is None else base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(key: str) -> Place | None:
    """The place that `_key` wrote; None, which is the first page, for any other text."""
    try:
        kind, name, site_id, door, apartment_id = json.loads(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        is_ours = kind in set(Kind) and all(
            isinstance(n, int) and 0 <= n < 10**numbers.LONGEST for n in (site_id, apartment_id)
        )
        is_ours = is_ours and "\0" not in (name + door).encode().decode()  # half a surrogate pair raises
    except (TypeError, ValueError, RecursionError):
        return None
    return Place(kind, name, site_id, door, apartment_id) if is_ours else None
