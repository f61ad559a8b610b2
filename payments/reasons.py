"""Reasons for failures about money: stored as a code with its values, and translated for whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts.typed.days import end_date
from payments import money

BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "paypal": "PayPal",
    "unionpay": "UnionPay",
    "visa": "Visa",
}

_BLOCKED = _("The bank has blocked this card.")  # lost, stolen or suspected: the bank does not want the reason told
_DECLINED = _("The bank declined the card.")
_UNFIT = _("The card can't be used for this payment.")
_WRONG = _("The card's details are not right any more.")
_LATER = _("The bank could not be asked just now.")
_LIMIT = _("The card's limit is reached.")

# The gateway's decline codes, several of which mean the same to people, and our own.
DECLINES: dict[str, Promise] = {
    "insufficient_funds": _("The card has not enough funds."),
    "expired_card": _("The card has expired."),
    "authentication_required": _("The bank wants the cardholder to confirm it."),
    "card_declined": _DECLINED, "generic_decline": _DECLINED, "do_not_honor": _DECLINED,
    "lost_card": _BLOCKED, "stolen_card": _BLOCKED, "pickup_card": _BLOCKED, "restricted_card": _BLOCKED,
    "fraudulent": _BLOCKED, "merchant_blacklist": _BLOCKED, "security_violation": _BLOCKED, "highest_risk_level": _BLOCKED,
    "card_not_supported": _UNFIT, "currency_not_supported": _UNFIT, "transaction_not_allowed": _UNFIT,
    "service_not_allowed": _UNFIT, "not_permitted": _UNFIT,
    "incorrect_number": _WRONG, "invalid_number": _WRONG, "invalid_account": _WRONG, "invalid_expiry_month": _WRONG,
    "invalid_expiry_year": _WRONG, "incorrect_cvc": _WRONG, "invalid_cvc": _WRONG,
    "processing_error": _LATER, "issuer_not_available": _LATER, "try_again_later": _LATER, "reenter_transaction": _LATER,
    "card_velocity_exceeded": _LIMIT, "withdrawal_count_limit_exceeded": _LIMIT,
    "revocation_of_authorization": _("The cardholder has forbidden the charge."),
    "revocation_of_all_authorizations": _("The cardholder has forbidden the charge."),
    "stop_payment_order": _("The cardholder has forbidden the charge."),
    "method_removed": _("The card was removed."),
    "method_gone": _("The payment service does not know the card any more."),
    "refused": _("The payment service refused the charge."),
    "forgotten": _("The payment service does not know the payment any more."),
    "not_charged": _("The payment service did not charge it."),
}  # fmt: skip

MISMATCHES: dict[str, Promise] = {
    "other_request": _("The gateway has it under another request than ours."),
    "other_reference": _("The gateway has it under the reference “%(theirs)s”, not “%(ours)s”."),
    "real_money": _("The gateway took real money, though our key was a test key."),
    "test_money": _("The gateway took test money only, though our key was a live one."),
    "other_amount": _("The gateway says %(theirs)s, we asked for %(ours)s."),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and the values of its sentence: text, {"at": instant, "zone"} for a day at a site, {"minor", "currency"} for an amount,
    {"brand", "last4"} for a card, {"brand", "holder"} for an account.

    `str()` translates it into the language that is active at that moment, so that a mail and a page each use their own.
    """

    code: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    TEXTS: ClassVar[Mapping[str, Promise]] = {**DECLINES, **MISMATCHES}
    OTHERWISE: ClassVar[Promise] = _DECLINED

    def __str__(self) -> str:
        words = str(self.TEXTS.get(self.code, self.OTHERWISE))
        try:
            return words % {name: shown(value) for name, value in self.detail.items()}
        except KeyError:  # stored by an older version with fewer values
            return words

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {**self.detail, "code": self.code}


def decline(code: str) -> str:
    """Why a card was declined, in the reader's language; an unknown code only says that it was declined."""
    return str(Reason(code if code in DECLINES else ""))


def amount(minor: int, currency: str) -> dict[str, Any]:
    """An amount as a value of a reason."""
    return {"minor": minor, "currency": currency}


def instant(at: datetime, zone: str) -> dict[str, str]:
    """A day at a site as a value of a reason."""
    return {"at": at.isoformat(), "zone": zone}


def shown(value: Any) -> Any:
    """A value of a reason in the reader's language."""
    language = (get_language() or "en").split("-", maxsplit=1)[0]
    if isinstance(value, Mapping) and "minor" in value:
        return money.show(value["minor"], value["currency"], language=language)
    if isinstance(value, Mapping) and "at" in value:
        return end_date(datetime.fromisoformat(value["at"]), value.get("zone", "UTC"))
    if isinstance(value, Mapping) and "last4" in value:
        return gettext("%(brand)s ending %(last4)s") % {"brand": _brand(value["brand"]), "last4": value["last4"]}
    if isinstance(value, Mapping) and "holder" in value:
        return f"{_brand(value['brand'])} {value['holder']}"
    return value


def _brand(name: str) -> str:
    return BRANDS.get(name, name.replace("_", " ").capitalize())
