"""The notes below the sums of a price preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import catalogue
from communities.catalogue import Target
from payments import money
from subscriptions.prices import PriceTable, Product, unit_price
from subscriptions.saved_items import Step, is_running


def notes_of(
    draft: catalogue.Configuration,
    counts: Mapping[int | str, int],
    steps: Counter[Step],
    as_of: datetime,
    prices: PriceTable,
) -> list[str]:
    """Notes about what waits for a family master, what no apartment has on, and what is paid and would not be used. Raises MissingPrice."""
    notes, at = [], (draft.project, draft.price_class)
    if homeless := Counter({row.key: counts.get(row.key, 1) for row in draft.apartments if not row.has_master}):
        amount = sum(
            homeless[row.key] * unit_price(prices.parts(Product(item.service_type, item.variant.code, *at)))
            for row in draft.apartments
            if row.key in homeless
            for item in catalogue.of_residents(row)
        )
        words = ngettext(
            "%(n)s apartment has no family master yet: its App, %(amount)s of the sum, can be activated once it has one.",
            "%(n)s apartments have no family master yet: their Apps, %(amount)s of the sum, can be activated once they have one.",
            homeless.total(),
        )
        notes.append(words % {"n": homeless.total(), "amount": money.show(amount, prices.currency)})
        if any(step.wanted and step.target_kind == Target.APARTMENT and not _needs_master(step) for step in steps):
            notes.append(_("The Premium Plan belongs to the apartment: it can be activated without a family master."))
    for code in catalogue.CEILING_SWITCHES:
        if draft.apartments and draft.switches[code] and not any(getattr(row, code) for row in draft.apartments):
            notes.append(
                _("%(service)s: no apartment has it on, so it adds nothing yet.")
                % {"service": catalogue.BY_CODE[code].label}
            )
    if idle := sum(
        count for step, count in steps.items() if not step.wanted and step.saved and is_running(step, as_of)
    ):
        notes.append(
            ngettext(
                "%(n)s item is paid and would not be used any more; its paid time stays.",
                "%(n)s items are paid and would not be used any more; their paid time stays.",
                idle,
            )
            % {"n": idle}
        )
    return notes


def _needs_master(step: Step) -> bool:
    return catalogue.BY_TYPE[step.service_type].needs_master
