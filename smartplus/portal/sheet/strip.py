"""The strip of facts above the sheet: what is paid, what is on and not paid, and the one button for the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import catalogue
from communities.models import Site
from communities.reports import Group, PaidProgress
from smartplus.access import PortalRequest
from smartplus.portal.kit.money_tags import money as show
from smartplus.portal.sites.todo import pay_url
from subscriptions import payers, rights, waiting
from subscriptions.cycles import list_amounts, total_of
from subscriptions.models import RenewalRequest
from subscriptions.prices import MissingPrice, PriceTable, Product
from subscriptions.summary import What, worth_of
from subscriptions.tables import table_for


@dataclass(frozen=True, slots=True)
class Money:
    """The amounts of a site in minor units: what is paid and what is on and not paid, every 30 days, and one month of what can be activated.
    None where a price is missing."""

    currency: str
    paid_minor: int | None
    open_minor: int | None
    activation_minor: int | None
    list_label: str
    is_invented: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """What the strip says. Without `money` the reader sees no prices, or there are none; `url` is "" for who may neither pay nor ask."""

    money: Money | None
    items: int
    paid: int
    renewed_at: datetime | None
    is_auto: bool
    open: waiting.Open
    requests: Sequence[RenewalRequest]
    url: str
    may_pay: bool
    payer: str
    on: Sequence[Promise]
    off: int

    @property
    def to_activate(self) -> int:
        """How many items can be activated and were not asked for."""
        return self.open.to_activate

    @property
    def unpaid(self) -> int:
        """How many items are on and not paid."""
        return self.items - self.paid

    @property
    def button(self) -> str:
        """What the button says: the amount where the reader sees prices."""
        n, money = self.to_activate, self.money
        amount = ""
        if money and money.activation_minor is not None and not self.open.requested:
            amount = show(money.activation_minor, money.currency)
        if self.may_pay:
            words = ngettext("Pay %(amount)s for %(n)s item", "Pay %(amount)s for %(n)s items", n)
            plain = ngettext("Activate %(n)s item", "Activate %(n)s items", n)
            return (words if amount else plain) % {"amount": amount, "n": n}
        if amount:
            return _("Request activation, %(amount)s") % {"amount": amount}
        return ngettext("Request activation of %(n)s item", "Request activation of %(n)s items", n) % {"n": n}

    @property
    def named(self) -> list[tuple[str, int]]:
        """These by service type, in words."""
        return waiting.in_words(self.open.free)


def strip_of(
    request: PortalRequest, site: Site, groups: Sequence[Group], progress: PaidProgress, prices: PriceTable | None
) -> Strip:
    """The strip of a site, from its counted items; at most two statements, for what is requested."""
    actor = request.actor
    found = waiting.open_here(actor, site, groups)
    community = [each for each in catalogue.SERVICES if each.scope != "apartment"]
    on = [each.label for each in community if getattr(site, each.code)]
    may_pay = rights.may_pay_for(actor, site.installer)
    return Strip(
        money=money_of(site, groups, prices, request.now) if prices else None,
        items=progress.items,
        paid=sum(row.alive for row in groups if row.variant),
        renewed_at=progress.next_expiry,
        is_auto=progress.renews,
        open=found,
        requests=waiting.requests_in(found),
        url=pay_url(site) if may_pay or rights.may_request_for(actor, site.installer) else "",
        may_pay=may_pay,
        payer=payers.default_payer(site.installer, site_kind=site.kind).name,
        on=on,
        off=len(community) - len(on),
    )


def prices_for(request: PortalRequest, site: Site) -> PriceTable | None:
    """The prices of the site for who may see them; None also where there is no list."""
    if not rights.sees_prices(request.actor):
        return None
    try:
        return table_for(site.distributor, at=request.now, with_former=True)
    except MissingPrice:
        return None


def money_of(site: Site, groups: Sequence[Group], prices: PriceTable, now: datetime) -> Money:
    """The sums of a site's items."""
    at = (site.kind, site.price_class)
    wanted = [(Product(row.service_type, row.variant, *at), row) for row in groups if row.variant]
    paid = [(product, row.paid_variant, True, row.alive) for product, row in wanted if row.alive]
    rest = [(product, "", False, row.n - row.alive) for product, row in wanted if row.n > row.alive]
    return Money(
        prices.currency,
        total_of(worth_of(What.PAID, paid, prices, now)),
        total_of(worth_of(What.UNPAID, [*paid, *rest], prices, now)),
        total_of(list_amounts([(product, row.free) for product, row in wanted if row.free], prices, now)),
        prices.label,
        prices.is_invented,
    )
