"""The question about prices: a list in force for every currency in which a tree is billed."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Kind, Organization
from communities import catalogue
from smartplus.setup.findings import Finding, State, page
from subscriptions.models import PriceList
from subscriptions.prices import PriceKey
from subscriptions.tables import table_of

BLOCKS, WAITS, OK = State.BLOCKS, State.WAITS, State.OK
NAMED = 3  # firms or services that are named


def trees() -> dict[str, list[Organization]]:
    """The active distributors by the currency of their tree."""
    found: dict[str, list[Organization]] = defaultdict(list)
    for firm in Organization.objects.filter(kind=Kind.DISTRIBUTOR, is_active=True).order_by(
        "currency", "name_order", "pk"
    ):
        found[firm.currency].append(firm)
    return dict(found)


def lists_in_force(now: datetime) -> dict[tuple[int | None, str], PriceList]:
    """The newest valid list of each distributor (None: the default) and currency."""
    newest: dict[tuple[int | None, str], PriceList] = {}
    for row in (
        PriceList.objects.filter(valid_from__lte=now).order_by("-valid_from", "-number").prefetch_related("prices")
    ):
        newest.setdefault((row.distributor_id, row.currency), row)
    return newest


def prices(now: datetime) -> list[Finding]:
    """Trees whose prices are missing, and trees with the demo's prices."""
    by_currency, in_force = trees(), lists_in_force(now)
    if not by_currency:
        steps = page(_("Add a distributor"), "user-list", "tab=distributors")
        detail = _("A currency is in use once a distributor is billed in it; then it needs a price list.")
        return [Finding("prices", WAITS, _("No distributor yet"), detail, steps)]
    found: list[Finding] = []
    for currency, firms in by_currency.items():
        lists = [in_force.get((firm.pk, currency)) or in_force.get((None, currency)) for firm in firms]
        bare = [firm for firm, price_list in zip(firms, lists, strict=True) if price_list is None]
        make = page(
            _("Make a %(currency)s list") % {"currency": currency}, "price-list-new", urlencode({"currency": currency})
        )
        if bare:
            names = ", ".join(firm.name for firm in bare[:NAMED]) + (" …" if len(bare) > NAMED else "")
            words = ngettext(
                "%(names)s bills in it: its quotes are refused.",
                "%(names)s bill in it: their quotes are refused.",
                len(bare),
            )
            title = _("%(currency)s has no price list") % {"currency": currency}
            found.append(Finding(f"prices:{currency}", BLOCKS, title, words % {"names": names}, make))
            continue
        known = [price_list for price_list in lists if price_list is not None]
        if not settings.DEMO and any(price_list.is_invented for price_list in known):
            detail = _("They are the demo's, and invented. Publish your own.")
            title = _("%(currency)s is sold at example prices") % {"currency": currency}
            found.append(Finding(f"prices:{currency}", BLOCKS, title, detail, make))
        elif missing := _missing(known):
            detail = _("Without a price, and so not for sale: %(names)s.") % {
                "names": ", ".join(missing[:NAMED]) + (" …" if len(missing) > NAMED else "")
            }
            title = _("%(currency)s: some services have no price") % {"currency": currency}
            found.append(Finding(f"prices:{currency}", WAITS, title, detail, make))
    if not found:
        detail = _("%(currencies)s: every service has a price.") % {"currencies": ", ".join(by_currency)}
        if settings.DEMO:
            detail = _("%(currencies)s: every service has a price, invented for the demo.") % {
                "currencies": ", ".join(by_currency)
            }
        found.append(Finding("prices", OK, _("Prices"), detail, page(_("Price Book"), "price-list-list")))
    return found


def _missing(lists: list[PriceList]) -> list[str]:
    """Labels of prices that some list in force lacks."""
    needed = [PriceKey(service, part) for service, part in catalogue.priced_in(catalogue.Project.COMMUNITY)]
    tables = [table_of(row) for row in lists]
    lacking = [key for key in needed if any(table.amount_of(key) is None for table in tables)]
    return [catalogue.price_label(key.service_type, key.part) for key in lacking]
