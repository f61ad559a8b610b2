"""What works now, derived from the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Document
from payments import actions as payment_actions
from smartplus import environment
from smartplus.setup import prices
from smartplus.setup.findings import Finding, State


@dataclass(frozen=True, slots=True)
class Work:
    """A thing that people use the portal for."""

    label: str
    is_possible: bool
    note: str = ""


def works(found: Sequence[Finding]) -> list[Work]:
    """What people can do with the installation in its present state."""
    blocked = {finding.key for finding in found if finding.state == State.BLOCKS}
    areas = {finding.area for finding in found if finding.state == State.BLOCKS}
    is_running = "background" not in areas
    offers = payment_actions.offered()
    refused = {f"gateway_keys:{offer.name}" for offer in offers} & blocked
    can_pay = not blocked & {"gateway_keys", Document.TERMS.value} and len(refused) < len(offers)
    where = ", ".join(offer.label for offer in offers)
    is_local = environment.is_loopback(settings.SITE_URL)
    listed = [
        Work(
            _("Sell in %(currency)s") % {"currency": currency},
            f"prices:{currency}" not in blocked,
            ngettext("%(n)s tree", "%(n)s trees", len(firms)) % {"n": len(firms)},
        )
        for currency, firms in prices.trees().items()
    ]
    return [
        *listed,
        Work(_("Pay by card"), can_pay, _("sandbox") if settings.DEMO else where),
        Work(_("Auto-renewals"), can_pay and is_running, "" if is_running else _("nothing runs")),
        Work(_("Invite people"), "mail" not in areas and is_running, _("mail") if "mail" in areas else ""),
        Work(
            _("Reach it from outside"),
            "address" not in areas and not is_local,
            _("this machine only") if is_local else "",
        ),
    ]
