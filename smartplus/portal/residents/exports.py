"""The residents of a site as a file: everybody who matches, with the texts of the page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed import phones
from communities.models import Resident
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column


def columns() -> list[Column]:
    """The columns of a file of residents."""
    return [
        Column(_("Building")), Column(_("Apartment")), Column(_("Name")), Column(_("Family master")), Column(_("Email")),
        Column(_("Mobile")), Column(_("Language")), Column(_("Remark")), Column(_("Status")), Column(_("First day"), tables.Kind.DAY),
        Column(_("Last day"), tables.Kind.DAY),
    ]  # fmt: skip


def rows(found: QuerySet[Resident]) -> Iterator[list[object]]:
    """Residents with their apartments as lines."""
    for one in chain.from_iterable(tables.in_chunks(found)):
        yield [
            one.apartment.building.name,
            one.apartment.number,
            one.name,
            _("Yes") if one.is_master else _("No"),
            one.email,
            phones.shown(one.mobile),
            one.language,
            one.remark,
            one.get_stage_display(),
            one.lease_from,
            one.lease_until,
        ]
