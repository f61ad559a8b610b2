"""Rows of the list of people at a commercial site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.typed import phones
from communities.models import AccountKind, CommercialAccount, Entitlement, Site
from smartplus.portal.commercial.queries import Person
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sites.tags import expires


class PersonCells(NamedTuple):
    """One account; `intercom` is its switch, or a word for who may not switch it."""

    name: str
    contact: str
    kind: str
    intercom: SafeString
    until: SafeString
    do: str


def cells(found: Iterable[Person], site: Site, now: datetime, *, may_house: bool) -> list[PersonCells]:
    """The cells of accounts."""
    kinds = {kind.value: str(kind.label) for kind in AccountKind}
    return [
        PersonCells(
            name=one.account.name,
            contact=", ".join(filter(None, (one.account.email, phones.shown(one.account.mobile)))),
            kind=kinds[one.account.kind],
            intercom=_intercom(one, may_house=may_house),
            until=standing(one, site, now),
            do=_edit(one.account, _("Edit")) if may_house else "",
        )
        for one in found
    ]


def _edit(account: CommercialAccount, word: str) -> SafeString:
    url = address("account-edit", account.pk)
    return as_html('<a class="b s" href="{}">{}<span class="vh"> {}</span></a>', url, word, account.name)


def _intercom(one: Person, *, may_house: bool) -> SafeString:
    row = one.account
    if row.is_archived:
        return status("inactive", _("Archived"))
    if not may_house:
        return status("active", _("On")) if row.intercom else status("inactive", _("Off"))
    label = _("Intercom of %(name)s") % {"name": row.name}
    return as_html(
        '<input type="hidden" name="row" value="{}:{}">'
        '<input class="sw" type="checkbox" role="switch" name="on" value="{}" aria-label="{}"{}>',
        row.pk, row.version, row.pk, label, as_html(" checked") if row.intercom else "",
    )  # fmt: skip


def standing(one: Person, site: Site, now: datetime) -> SafeString:
    """Until when the account is paid, or why nothing is to pay."""
    item: Entitlement | None = one.item
    if item is not None and item.expires_at is not None:
        return expires(item.expires_at, item.works_until, site.time_zone, now, renews=item.renews)
    if not one.account.intercom or one.account.is_archived:
        return status("inactive", _("No intercom, free"))
    return status("inactive hollow", _("Not activated"))
