"""Rows of firms and of people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import Kind, Membership, Organization
from accounts.scope import Actor
from accounts.typed import postal
from accounts.typed.text import isolated
from smartplus.portal.kit.day_tags import ago
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.status_tags import status
from smartplus.portal.users.queries import FirmRow, Person, Standing

GRANTS = ("sees_prices", "sees_invoices", "gets_billing_mail", "manages_subscriptions")


class PersonCells(NamedTuple):
    """One member of a firm."""

    url: str
    name: str
    email: str
    role: str
    you: str
    sites: int
    may: str
    standing: SafeString
    signed_in: str


class FirmCells(NamedTuple):
    """One firm; what its kind does not show is empty."""

    url: str
    name: str
    below: str
    contact: SafeString
    pays: str
    security: str
    installers: int
    sites: int
    people: int
    standing: SafeString


def _small(text: str) -> SafeString:
    return as_html('<span class="t12 mute">{}</span>', text)


def _standing(found: Standing) -> SafeString:
    return side_by_side([status(found.tone, found.word), _small(found.detail) if found.detail else ""])


def people(rows: Iterable[Person], actor: Actor, now: datetime) -> list[PersonCells]:
    """The cells of people."""
    technician, administrator, you = _("Technician"), _("Administrator"), _small(_("You"))
    found = []
    for person, name, email, standing, sites in rows:
        has_signed_in = person.joined_at and person.user.last_login
        found.append(
            PersonCells(
                url=address("user-detail", person.pk),
                name=name,
                email=email,
                role=technician if person.is_technician else administrator,
                you=you if person.pk == actor.membership_id else "",
                sites=sites,
                may=grants(person),
                standing=_standing(standing),
                signed_in=ago(person.user.last_login, now) if has_signed_in else "–",
            )
        )
    return found


def grants(member: Membership) -> str:
    """What a member may do beyond the work, in few words."""
    if member.is_technician:
        return _("Work on assigned sites")
    granted = [name for name in GRANTS if getattr(member, name)]
    if len(granted) == len(GRANTS):
        return _("Everything")
    if not granted:
        return _("Nothing of money")
    words = {
        "sees_prices": _("prices"),
        "sees_invoices": _("invoices"),
        "gets_billing_mail": _("billing mail"),
        "manages_subscriptions": _("subscriptions"),
    }
    return side_by_side([as_html('<span class="comma-b">{}</span>', words[name]) for name in granted])


def firms(rows: Iterable[FirmRow], actor: Actor, *, tab: str, shows_under: bool, now: datetime) -> list[FirmCells]:
    """The cells of firms."""
    nobody = as_html('<span class="mute">{}</span>', _("Nobody"))
    is_installers = tab == Kind.INSTALLER
    found = []
    for row in rows:
        firm, contact = row.firm, row.contact
        found.append(
            FirmCells(
                url=address("firm-detail", firm.pk),
                name=firm.name,
                below=_below(firm, tab, is_under=shows_under and firm.parent_id != actor.organization_id),
                contact=side_by_side([contact.name, _small(contact.email)]) if contact else nobody,
                pays=_pays(firm) if is_installers else "",
                security=_standing(row.security) if is_installers else "",
                installers=row.installers,
                sites=row.sites,
                people=row.people,
                standing=_firms_standing(row, now),
            )
        )
    return found


def _below(firm: Organization, tab: str, *, is_under: bool) -> str:
    """Where it is, its currency, and whose it is."""
    town, parts = postal.place(firm), []
    if town:
        parts.append(town)
    if tab == Kind.DISTRIBUTOR:
        parts.append(firm.currency)
    if is_under and firm.parent:
        parts.append(_("under %(name)s") % {"name": isolated(firm.parent.name)})
    return ", ".join(parts)


def _pays(firm: Organization) -> str:
    if firm.pays_regular:
        return _("Regular, credits") if firm.pays_credits else _("Regular")
    if firm.pays_credits:
        return _("Credits")
    payer = _("%(name)s pays") % {"name": isolated(firm.parent.name) if firm.parent else ""}
    return as_html('<span class="soft">{}</span>{}', _("Not allowed"), _small(payer))


def _firms_standing(row: FirmRow, now: datetime) -> SafeString:
    """As its contact stands, with when anybody of it signed in last."""
    if not row.firm.is_active:
        return status("inactive", _("Deactivated"))
    if not row.contact:
        return as_html('<span class="mute">{}</span>', "–")
    standing = row.contact.standing
    mark = status(standing.tone, standing.word)
    if row.last_login:
        before, _place, after = _("last sign-in %(when)s").partition("%(when)s")
        return as_html('{}<span class="t12 mute">{}{}{}</span>', mark, before, ago(row.last_login, now), after)
    return _standing(standing)
