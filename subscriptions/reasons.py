"""Reasons for the state of an auto-renewal or order, translated for the reader; see payments.reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused
from payments import reasons as payment_reasons
from payments.errors import MethodUnusable, TooMuch, TooSmall
from subscriptions.errors import BillingIncomplete
from subscriptions.prices import MissingPrice

TEXTS: dict[str, Promise] = {
    "stopped_by": _("Stopped by %(name)s."),
    "card_removed_by": _("Stopped by %(name)s, who removed the card."),
    "taken_out": _("All of its items were taken out of it."),
    "firm_moved": _("%(firm)s was moved away."),
    "handed_over": _("The site was handed over to another installer."),
    "nothing_left": _("Nothing is left to renew."),
    "archived": _("What it renewed is archived."),
    "services_off": _("All of its services are switched off."),
    "service_off": _("The service is switched off."),
    "no_household": _("Nobody lives there: it is not charged, and continues with the next household."),
    "lapsed": _("Its paid time and the days of grace ran out: it lapsed on %(day)s."),
    "item_lapsed": _("It lapsed."),
    "cycles_done": _("The agreed number of renewals is reached."),
    "payer_may_not": _("%(payer)s may not pay for %(installer)s any more."),
    "card_unusable": _("%(card)s can't be charged any more."),
    "billing_incomplete": _("The billing information is not complete."),
    "price_missing": _("The price list lacks a price that is needed. The operator can add it."),
    "too_small": _("The amount is too small to be paid by card."),
    "too_much": _("The amount is more than one payment can carry."),
    "refused": _("It could not be ordered."),
    "replaced": _("One of its services left the auto-renewal. The others are ordered anew."),
    "items_changed": _("Its items changed since it was ordered, so it was not applied."),
    "items_elsewhere": _("Its items are in another order by now."),
}
OF_REFUSALS: tuple[tuple[type[Refused], str], ...] = (
    (BillingIncomplete, "billing_incomplete"),
    (MissingPrice, "price_missing"),
    (TooSmall, "too_small"),
    (TooMuch, "too_much"),
    (MethodUnusable, "card_unusable"),
)


class Reason(payment_reasons.Reason):
    """A reason of payments or of subscriptions."""

    TEXTS: ClassVar[Mapping[str, Promise]] = {**payment_reasons.Reason.TEXTS, **TEXTS}


class CantRenew(Refused):
    """Why an auto-renewal can't be ordered, as a reason that can be stored."""

    def __init__(self, code: str, **detail: Any) -> None:
        self.reason = Reason(code, detail)
        super().__init__(str(self.reason))


def of_refusal(refused: Refused) -> Reason:
    """The reason of a refused order, as a reason that can be stored."""
    if isinstance(refused, CantRenew):
        return refused.reason
    return Reason(next((code for kind, code in OF_REFUSALS if isinstance(refused, kind)), "refused"))


def words(stored: object) -> str:
    """A stored reason in the reader's language: from `Reason.stored`, or a text stored before there were codes."""
    if isinstance(stored, Mapping):
        return str(
            Reason(str(stored.get("code", "")), {name: value for name, value in stored.items() if name != "code"})
        )
    return str(stored or "")


def of_columns(code: str, detail: Mapping[str, Any]) -> str:
    """As `words`, for a code and its values in two columns; an unknown code is such an old text."""
    return str(Reason(code, detail)) if code in Reason.TEXTS else code
