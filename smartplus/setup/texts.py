"""Questions about published texts: terms, privacy notice, and the seller."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import sellers
from accounts.actions import terms
from accounts.models import Acceptance, Document
from accounts.typed import postal
from smartplus.portal.kit.day_tags import day
from smartplus.setup.findings import COUNTED, Finding, State, many, page

BLOCKS, OK = State.BLOCKS, State.OK
MISSING = {
    Document.TERMS: gettext_lazy("Yours to write. Until then nothing can be ordered."),
    Document.PRIVACY: gettext_lazy("Yours to write. Until then nobody is told what becomes of their data."),
}
PAGES = {Document.TERMS: "setup-terms", Document.PRIVACY: "setup-privacy"}


def published(now: datetime) -> list[Finding]:
    """Whether terms and privacy notice are the operator's own; the shipped examples are valid in the demo only."""
    found = []
    for document, route in PAGES.items():
        in_force, name = terms.in_force(document, now=now), str(document.label)
        if in_force is None:
            title = _("%(document)s: none is published") % {"document": name}
            found.append(Finding(document.value, BLOCKS, title, str(MISSING[document]), page(_("Write it"), route)))
            continue
        number = _accepted(document, in_force.version)
        words = ngettext("Accepted by %(n)s person.", "Accepted by %(n)s people.", number) % {"n": many(number)}
        detail = _("Version %(number)s, valid from %(day)s.") % {
            "number": in_force.number,
            "day": day(in_force.valid_from),
        }
        if settings.DEMO and in_force.is_example:
            detail = _("The shipped example (demo).")
        found.append(Finding(document.value, OK, name, f"{detail} {words}", page(_("Read it"), route)))
    return found


def sold_by(now: datetime) -> list[Finding]:
    """Whether the seller on mails and invoices is published."""
    in_force = sellers.in_force(now=now)
    if in_force is None:
        detail = _("Mails and invoices name nobody. Name, address and tax number are needed.")
        return [
            Finding("seller", BLOCKS, _("The seller is not named"), detail, page(_("Name the seller"), "setup-seller"))
        ]
    parts = [in_force.name, postal.place(in_force), in_force.tax_number]
    detail = ", ".join(part for part in parts if part)
    if in_force.logo_id:
        detail = _("%(seller)s, with logo.") % {"seller": detail}
    return [Finding("seller", OK, _("Seller"), detail, page(_("Edit"), "setup-seller"))]


def _accepted(document: str, version: str) -> int:
    return Acceptance.objects.filter(document=document, version=version).order_by()[:COUNTED].count()
