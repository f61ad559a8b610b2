"""The people of a commercial site as a file: every row that matches, with the texts of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed import phones
from accounts.typed.days import site_day
from communities.models import CommercialAccount, Site
from smartplus.portal.commercial.queries import Person
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column


def columns() -> list[Column]:
    """The columns of a file of people."""
    return [
        Column(_("Name")), Column(_("Account")), Column(_("Email")), Column(_("Mobile")), Column(_("Intercom")),
        Column(_("Paid until"), tables.Kind.DAY),
    ]  # fmt: skip


def rows(
    found: QuerySet[CommercialAccount], with_items: Callable[[list[CommercialAccount]], list[Person]], site: Site
) -> Iterator[list[object]]:
    """Accounts as lines; `with_items` reads what is paid for some of them."""
    for one in chain.from_iterable(map(with_items, tables.in_chunks(found))):
        row, item = one.account, one.item
        yield [
            row.name,
            row.get_kind_display(),
            row.email,
            phones.shown(row.mobile),
            _("Yes") if row.intercom else _("No"),
            site_day(item.expires_at, site.time_zone) if item and item.expires_at else None,
        ]
