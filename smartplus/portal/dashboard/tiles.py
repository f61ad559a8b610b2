"""The tiles of the dashboards: numbers that are links to their lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.typed.days import end_date
from payments import money
from smartplus.portal.dashboard.calendar import language
from smartplus.portal.kit.list_tags import counted
from smartplus.portal.requests import waiting
from subscriptions.at_risk import AutoRenewals
from subscriptions.dashboard import Standing


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that links to its list of `count` items. `tone` colours the detail when an action is needed."""

    label: str
    value: str
    detail: str
    url: str
    count: int
    small: str = ""
    tone: str = ""


def asked_tile(asked: waiting.Waiting, currency: str) -> Tile:
    """Requests that this person may decide."""
    small = ""
    if currency and asked.amount_minor is not None:
        small = money.show(asked.amount_minor, currency, language=language())
    return Tile(_("Requests waiting"), str(asked.count), asked.who, asked.url, asked.count, small, "pending")


def due_tile(standing: Standing, sites: int, currency: str, *, is_bounded: bool = False) -> Tile:
    """What is due and at how many sites; `is_bounded`: counting stopped at `keyset.COUNTED`."""
    items = ngettext("%(n)s item", "%(n)s items", standing.due) % {"n": standing.due}
    on_sites = ngettext("on %(n)s site", "on %(n)s sites", sites) % {"n": counted(sites) if is_bounded else sites}
    url = f"{reverse('dashboard-items')}?show=due"
    if not currency or standing.due_minor is None:
        return Tile(_("Due in 30 days"), str(standing.due), on_sites, url, standing.due)
    worth = money.show(standing.due_minor, currency, language=language())
    detail = f"{items} {on_sites}" if standing.due else _("nothing ends")
    return Tile(_("Due in 30 days"), worth, detail, url, standing.due)


def agreed_tile(agreed: AutoRenewals) -> Tile:
    """Auto-renewals that need an action; if there are none, the active ones."""
    url = reverse("auto-renewal-list")
    if not agreed.at_risk:
        url += "?show=active"
        return Tile(_("Auto-renew"), str(agreed.active), _("none at risk"), url, agreed.active, _("active"))
    told = []
    if agreed.unchargeable:
        words = ngettext("%(n)s card can't be charged", "%(n)s cards can't be charged", agreed.unchargeable)
        told.append(words % {"n": agreed.unchargeable})
    if agreed.stopped:
        told.append(ngettext("%(n)s stopped", "%(n)s stopped", agreed.stopped) % {"n": agreed.stopped})
    small = _("of %(n)s") % {"n": agreed.active + agreed.stopped}
    url += "?show=risk"
    return Tile(_("Auto-renew at risk"), str(agreed.at_risk), ", ".join(told), url, agreed.at_risk, small, "lapsed")


def new_tile(standing: Standing) -> Tile:
    """Items that were never activated."""
    url = f"{reverse('dashboard-items')}?show=new"
    detail = _("%(n)s more have lapsed") % {"n": standing.lapsed} if standing.lapsed else _("none has lapsed")
    small = ngettext("item", "items", standing.never)
    tone = "lapsed" if standing.lapsed else ""
    return Tile(_("Not activated"), str(standing.never), detail, url, standing.never, small, tone)


def ends_tile(standing: Standing, next_end: tuple[datetime, str] | None) -> Tile:
    """The next day on which something ends, in the time zone of its site; the list begins with it."""
    url, due = f"{reverse('dashboard-items')}?show=paid", standing.due
    if next_end is None:
        return Tile(_("Next expiry"), "–", _("nothing is activated yet"), url, standing.in_force)
    detail = ngettext("%(n)s item ends within 30 days", "%(n)s items end within 30 days", due) % {"n": due}
    return Tile(_("Next expiry"), end_date(*next_end), detail, url, standing.in_force)


def paid_tile(standing: Standing, paid_minor: int | None, more_minor: int | None, currency: str) -> Tile:
    """The paid part of what is on, as money where prices are shown; without the price of the rest."""
    url = f"{reverse('dashboard-items')}?show=paid"
    if not currency or paid_minor is None:
        detail = _("%(n)s lapsed") % {"n": standing.lapsed} if standing.lapsed else _("none has lapsed")
        small = _("of %(n)s items") % {"n": standing.items}
        return Tile(_("Paid now"), str(standing.in_force), detail, url, standing.in_force, small)
    detail = _("everything that is on")
    if more_minor:
        more = money.show(more_minor, currency, language=language())
        detail = _("%(amount)s more if all that is on were activated") % {"amount": more}
    worth = money.show(paid_minor, currency, language=language())
    return Tile(_("Paid now"), worth, detail, url, standing.in_force, _("every 30 days"))


def unpaid_tile(standing: Standing, more_minor: int | None, currency: str) -> Tile:
    """What is on and does not work fully, because it is not paid."""
    url, n = f"{reverse('dashboard-items')}?show=unpaid", standing.unpaid
    told = [_("%(n)s not activated") % {"n": standing.never}] if standing.never else []
    told += [_("%(n)s lapsed") % {"n": standing.lapsed}] if standing.lapsed else []
    if partly := n - standing.never - standing.lapsed:
        told.append(_("%(n)s partly") % {"n": partly})
    detail = ", ".join(told) or _("everything that is on is paid")
    small = ngettext("item", "items", n)
    if n and currency and more_minor is not None:
        small = money.show(more_minor, currency, language=language())
    return Tile(_("On, not paid"), str(n), detail, url, n, small, "lapsed" if standing.lapsed else "")


def differ_tile(standing: Standing) -> Tile:
    """Items that are paid and not on, and items that are on and not paid."""
    n = standing.unpaid + standing.unused
    told = _("%(unused)s not used, %(unpaid)s not paid") % {"unused": standing.unused, "unpaid": standing.unpaid}
    detail = told if n else _("what is on is paid, what is paid is on")
    return Tile(_("Paid and used differ"), str(n), detail, f"{reverse('differences')}?show=differ", n)


def monitor_tile(waiting: int) -> Tile:
    """Apartments that wait for their indoor monitor."""
    detail = _("without their indoor monitor") if waiting else _("every monitor is there")
    small = ngettext("apartment", "apartments", waiting) if waiting else ""
    url = f"{reverse('differences')}?show=monitors"
    return Tile(_("Devices to look at"), str(waiting), detail, url, waiting, small)
