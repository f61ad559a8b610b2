"""The lists of Users as files: every row that matches, in the words of the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Kind, Membership, Organization
from accounts.scope import Actor
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from smartplus.portal.users import queries as user_lists
from smartplus.portal.users.queries import FirmRow


def firms_columns() -> list[Column]:
    """The columns of a file of firms."""
    return [
        Column(_("Firm")), Column(_("Kind")), Column(_("City")), Column(_("Country")), Column(_("Under")), Column(_("Contact")),
        Column(_("Email")), Column(_("Pay by Installer")), Column(_("Two-factor")), Column(_("Sites"), tables.Kind.NUMBER),
        Column(_("People"), tables.Kind.NUMBER), Column(_("Last sign-in"), tables.Kind.MOMENT), Column(_("Status")),
    ]  # fmt: skip


def firms(actor: Actor, found: QuerySet[Organization], now: datetime) -> Iterator[list[object]]:
    """Firms of `user_lists.firms` as lines; a few statements for each chunk of them."""
    for some in tables.in_chunks(found):
        for row in user_lists.with_numbers(actor, some, now):
            yield _firm(row)


def _firm(row: FirmRow) -> list[object]:
    firm, contact, security = row.firm, row.contact, row.security
    pays = [word for word, may in ((_("Regular"), firm.pays_regular), (_("Credits"), firm.pays_credits)) if may]
    is_installer = firm.kind == Kind.INSTALLER
    standing = contact.standing.word if contact else ""
    return [
        firm.name,
        firm.get_kind_display(),
        firm.city,
        firm.country,
        firm.parent.name if firm.parent else "",
        contact.name if contact else "",
        contact.email if contact else "",
        (", ".join(pays) or _("Not allowed")) if is_installer else "",
        ", ".join(part for part in (security.word, security.detail) if part) if is_installer else "",
        row.sites,
        row.people,
        row.last_login,
        standing if firm.is_active else _("Deactivated"),
    ]


def people_columns() -> list[Column]:
    """The columns of a file of people."""
    return [
        Column(_("Person")), Column(_("Email")), Column(_("Role")), Column(_("Status")), Column(_("Sites"), tables.Kind.NUMBER),
        Column(_("Last sign-in"), tables.Kind.MOMENT),
    ]  # fmt: skip


def people(found: QuerySet[Membership], now: datetime) -> Iterator[list[object]]:
    """People of `user_lists.own_people` as lines."""
    for some in tables.in_chunks(found):
        for person, name, email, standing, sites in user_lists.people_of(some, now):
            last_login = person.user.last_login if person.joined_at else None
            role = _("Technician") if person.is_technician else _("Administrator")
            yield [name, email, role, standing.word, sites, last_login]
