"""Rows of the differences: where, what, what it is worth, and the one click that settles it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor
from accounts.typed.days import day_words, end_date, language
from communities import catalogue
from communities.actions.residents import may_edit_residents
from communities.actions.sites import may_configure
from communities.models import Apartment, Site
from smartplus.access import PortalRequest
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.money_tags import money
from smartplus.portal.sites import todo
from subscriptions import payers, rights, waiting
from subscriptions.difference_lines import Empty, Line, Missing, Unit, Unpaid, Unused
from subscriptions.differences import Scope
from subscriptions.waiting import Open, in_words

NOTHING = as_html("")


class Cells(NamedTuple):
    """One row; each cell has a second, quieter line."""

    where: SafeString
    where_more: SafeString | str
    what: SafeString | str
    what_more: SafeString | str
    money: str
    money_more: str
    fixes: SafeString
    head: SafeString | str = ""  # of the kind, before its first row


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the page, what that person may do, and what is known of the sites on it. `open` says what can be activated, by site."""

    actor: Actor
    scope: Scope
    currency: str
    may_work: bool
    may_house: bool
    open: Mapping[int, Open]
    stoppable: frozenset[int] = frozenset()  # targets of empty apartments whose renewal this person may stop

    @classmethod
    def of(cls, request: PortalRequest, scope: Scope, units: Sequence[Unit], currency: str) -> Reader:
        """Reads what can be activated at the sites of these rows, and what may be renewed no more; at most two statements."""
        actor = request.actor
        sites = {line.site.pk for _place, lines in units for line in lines if isinstance(line, Unpaid)}
        open_ = waiting.open_at(actor, sites) if sites and rights.may_pay(actor) else {}
        empty = [
            line.apartment.target_id
            for _place, lines in units
            for line in lines
            if isinstance(line, Empty) and line.renews
        ]
        stoppable = rights.stoppable_at(actor, empty) if empty else frozenset()
        return cls(actor, scope, currency, may_configure(actor), may_edit_residents(actor), open_, stoppable)

    def amount(self, minor: int | None) -> str:
        """An amount; "" where none is shown."""
        return money(minor, self.currency) if self.currency else ""


def cells(line: Line, reader: Reader) -> Cells:
    """The cells of one row."""
    if isinstance(line, Unpaid):
        return _unpaid(line, reader)
    if isinstance(line, Unused):
        return _unused(line, reader)
    return _missing(line, reader) if isinstance(line, Missing) else _empty(line, reader)


def _unpaid(line: Unpaid, reader: Reader) -> Cells:
    n = line.count
    if line.runs:
        what = ngettext("%(n)s item runs without a part that is on", "%(n)s items run without a part that is on", n)
    elif line.has_ended:
        what = ngettext("%(n)s item has lapsed", "%(n)s items have lapsed", n)
    else:
        what = ngettext("%(n)s item is not activated", "%(n)s items are not activated", n)
    more = [", ".join(f"{count} × {label}" for label, count in in_words(line.counts))]
    if line.waiting:
        words = ngettext("%(n)s waits for its monitor", "%(n)s wait for their monitor", line.waiting)
        more.append(words % {"n": line.waiting})
    payer = payers.default_payer(line.site.installer, site_kind=line.site.kind)
    pays = _("you pay") if payer.pk == reader.actor.organization_id else _("%(firm)s pays") % {"firm": payer.name}
    amount = reader.amount(line.amount_minor)
    is_new = not line.runs and not line.has_ended
    return Cells(
        _site(line.site, reader), pays, what % {"n": n}, "; ".join(more),
        amount or "–", _("every 30 days") if amount else "", _to_pay(line, reader, amount) if is_new else NOTHING,
    )  # fmt: skip


def _to_pay(line: Unpaid, reader: Reader, amount: str) -> SafeString:
    """Activate, or request, exactly what can be activated at the site; or where the request for it stands."""
    site, open_ = line.site, reader.open.get(line.site.pk, Open())
    n, url = open_.to_activate, todo.pay_url(line.site)
    may_pay = rights.may_pay_for(reader.actor, site.installer)
    if n and url and (may_pay or rights.may_request_for(reader.actor, site.installer)):
        if amount and n == line.count:
            words = (_("Activate, %(amount)s") if may_pay else _("Request, %(amount)s")) % {"amount": amount}
        elif may_pay:
            words = ngettext("Activate %(n)s item", "Activate %(n)s items", n) % {"n": n}
        else:
            words = ngettext("Request %(n)s item", "Request %(n)s items", n) % {"n": n}
        return _link(url, words)
    if not n and (asked := sorted(open_.asked or {})):
        return side_by_side(
            [
                as_html('<span class="mute">{}</span> ', _("Requested")),
                _link(address("request-detail", asked[0]), _("Show")),
            ]
        )
    return NOTHING


def _unused(line: Unused, reader: Reader) -> Cells:
    label = str(catalogue.SERVICE_TYPE_LABELS[line.service_type])
    parts = ", ".join(line.labels) if line.switches else label
    values = {"what": parts, "day": _days(line)}
    if line.lacks_household:
        what = _("%(what)s is paid until %(day)s, and nobody lives there") % values
        more = _("It is not renewed while there is no family master")
    elif line.switches:
        what = _("%(what)s is off, paid until %(day)s") % values
        more = _("On again costs nothing until then")
    else:
        what, more = _("%(what)s is not needed any more, paid until %(day)s") % values, _("Its paid time stays")
    where, where_more = _site(line.site, reader), ""
    if line.count == len(line.apartments):
        where = side_by_side(_joined(_door(home) for home in line.apartments))
        where_more = _site_more(line.site, reader)
    elif line.names:
        where_more = ", ".join(line.names)
    else:
        where_more = ngettext("%(n)s item", "%(n)s items", line.count) % {"n": line.count}
    amount, left = reader.amount(line.amount_minor), (line.ends[0] - reader.scope.today).days
    days = ngettext("%(n)s day left", "%(n)s days left", max(0, left)) % {"n": max(0, left)}
    return Cells(where, where_more, what, more, amount or "–", days, _to_use(line, reader))


def _to_use(line: Unused, reader: Reader) -> SafeString:
    if line.lacks_household and reader.may_house:
        return _add_residents(line.site, line.apartments)
    if line.switches and reader.may_work:
        url = address("site-edit", line.site.pk)
        if len(line.apartments) == 1 and set(line.switches) <= set(catalogue.APARTMENT_SWITCHES):
            url = address("apartment-edit", line.apartments[0].pk)
        return _link(url, _("Switch on"))
    return NOTHING


def _missing(line: Missing, reader: Reader) -> Cells:
    home = line.apartment
    amount = reader.amount(line.more_minor)
    more = _("more every 30 days until then") if amount else _("can’t be activated yet") if line.is_new else ""
    fix = _link(address("device-new", home.pk), _("Enter MAC")) if reader.may_work else NOTHING
    return Cells(
        _door(home), _site_more(home.site, reader, line.master), _("Waits for its indoor monitor"), "", amount or "–", more, fix
    )  # fmt: skip


def _empty(line: Empty, reader: Reader) -> Cells:
    home, ends = line.apartment, line.first_end
    what = _("Nobody lives there, paid until %(day)s") % {"day": end_date(ends, home.site.time_zone)} if ends else ""
    labels = dict.fromkeys(str(catalogue.SERVICE_TYPE_LABELS[item.service_type]) for item in line.items)
    more = _("%(services)s. Renews by itself") if line.renews else _("%(services)s. Renewed by hand")
    amount = reader.amount(line.amount_minor)
    fixes = [_add_residents(home.site, (home,))] if reader.may_house else []
    if home.target_id in reader.stoppable:
        way = address("no-renewal", home.pk)
        fixes.insert(0, as_html('<button class="b q s" form="act" formaction="{}">{}</button>', way, _("Don’t renew")))
    return Cells(
        _door(home), _site_more(home.site, reader), what, more % {"services": ", ".join(labels)},
        amount or "–", _("every 30 days") if amount else "", side_by_side(fixes),
    )  # fmt: skip


# --- parts of cells -----------------------------------------------------------------------------------------------------


def _site(site: Site, reader: Reader) -> SafeString:
    """The site; without a link on its own page."""
    if reader.scope.site_id is not None:
        return as_html('<span class="n">{}</span>', site.name)
    return as_html('<a class="n" href="{}">{}</a>', address("site-detail", site.pk), site.name)


def _site_more(site: Site, reader: Reader, person: str = "") -> str:
    """The site of an apartment where the page has several, and who lives there."""
    return ", ".join(part for part in ("" if reader.scope.site_id is not None else site.name, person) if part)


def _door(home: Apartment) -> SafeString:
    return as_html('<a class="n" href="{}">{}</a>', address("apartment-detail", home.pk), str(home))


def _joined(parts: Iterable[SafeString]) -> Iterable[SafeString]:
    for at, part in enumerate(parts):
        yield part if at == 0 else as_html(", {}", part)


def _days(line: Unused) -> str:
    """The day on which it ends, or the first and the last day."""
    first, last = (day_words(day, language()) for day in line.ends)
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def _link(url: str, words: str) -> SafeString:
    return as_html('<a class="b s" href="{}">{}</a>', url, words)


def _add_residents(site: Site, homes: Sequence[Apartment]) -> SafeString:
    if len(homes) == 1:
        return _link(address("resident-new", homes[0].pk), _("Add resident"))
    return _link(f"{address('site-detail', site.pk)}?show=no-master", _("Add residents"))
