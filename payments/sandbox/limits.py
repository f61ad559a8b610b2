"""What Stripe refuses before it does anything: unknown parameters, currencies, amounts and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from payments.sandbox.responses import Problem
from payments.sandbox.store import Json

Tree: TypeAlias = Mapping[str, Any]  # a parameter's name: None for a value, another tree for what has parameters itself

# As in the SDK's typed parameters, as far as we send them; a test compares the two.
SESSION: Tree = {
    "mode": None, "client_reference_id": None, "metadata": None, "success_url": None, "cancel_url": None,
    "expires_at": None, "customer": None, "customer_email": None, "customer_creation": None,
    "allowed_payment_method_types": None, "locale": None, "expand": None, "currency": None,
    "line_items": {
        "quantity": None,
        "price_data": {"currency": None, "unit_amount": None, "product_data": {"name": None}},
    },
    "payment_intent_data": {"metadata": None, "description": None, "setup_future_usage": None},
    "setup_intent_data": {"metadata": None, "description": None},
}  # fmt: skip
INTENT: Tree = {
    "amount": None, "currency": None, "customer": None, "payment_method": None, "allowed_payment_method_types": None,
    "description": None, "metadata": None, "expand": None,
}  # fmt: skip
CONFIRM: Tree = {"off_session": None, "expand": None}
REFUND: Tree = {"payment_intent": None, "amount": None, "metadata": None}
CANCEL: Tree = {"cancellation_reason": None, "expand": None}

# Separate from the tables of `payments.gateways`, so that a test notices an error in those.
CURRENCIES = frozenset({
    "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd", "bif",
    "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny", "cop", "crc", "cve",
    "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gnf", "gtq",
    "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod", "jpy", "kes", "kgs", "khr", "kmf",
    "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk", "mnt", "mop",
    "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr", "nzd", "omr", "pab", "pen", "pgk",
    "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub", "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle",
    "sos", "srd", "std", "szl", "thb", "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "usd", "uyu",
    "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw",
})  # fmt: skip
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_ONLY = frozenset({"isk", "ugx"})  # counted in hundredths all the same
MINIMUM = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
    "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200,
    "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
MAXIMUM = 99_999_999
SESSION_LIFE_S = (30 * 60, 24 * 60 * 60)
LONGEST = {"client_reference_id": 200, "customer_email": 800, "success_url": 5000, "cancel_url": 5000, "name": 5000}
DESCRIPTION = 1000
METADATA_KEYS, METADATA_KEY, METADATA_VALUE = 50, 40, 500


def refuse_unknown(params: Json, known: Tree, where: str = "") -> None:
    """Refuse parameters that the API version of the SDK does not have, at any depth, and texts that are too long."""
    if "payment_method_types" in params:
        message = "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types`."
        raise Problem(400, message, code="payment_method_types_no_longer_supported", param="payment_method_types")
    for name, value in sorted(params.items()):
        path = f"{where}[{name}]" if where else name
        if name not in known:
            raise Problem(400, f"Received unknown parameter: {path}", code="parameter_unknown", param=path)
        if name == "metadata":
            _refuse_metadata(value, path)
        elif known[name] is None:
            longest = DESCRIPTION if name == "description" else LONGEST.get(name, 5000)
            if isinstance(value, str) and len(value) > longest:
                message = f"Invalid string: must be at most {longest} characters"
                raise Problem(400, message, param=path)
        else:
            for inner, at in _inside(value, path):
                refuse_unknown(inner, known[name], at)


def refuse_amount(text: str, currency: str, *, param: str) -> int:
    """The amount in the currency's units; refuses what Stripe doesn't charge."""
    if currency not in CURRENCIES:
        raise Problem(400, f"Invalid currency: {currency}. Stripe currently supports others.", param="currency")
    if not str(text).isdigit():
        raise Problem(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=param)
    amount = int(text)
    if amount < (least := MINIMUM.get(currency, 1)):
        message = f"The amount must be at least {least} in the smallest unit of {currency}."
        raise Problem(400, message, code="amount_too_small", param=param)
    if amount > MAXIMUM:
        raise Problem(400, f"The amount must be no more than {MAXIMUM}.", code="amount_too_large", param=param)
    step = 10 if currency in THREE_DECIMALS else 100 if currency in WHOLE_ONLY else 1
    if amount % step:
        message = f"Invalid amount: in {currency} it has to be a multiple of {step}."
        raise Problem(400, message, code="parameter_invalid_integer", param=param)
    return amount


def refuse_end(expires_at: str, now: int) -> None:
    """Refuse a page that would end too early or too late."""
    shortest, longest = SESSION_LIFE_S
    left = int(expires_at) - now
    if left < shortest:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise Problem(400, message, param="expires_at")
    if left > longest:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise Problem(400, message, param="expires_at")


def _inside(value: object, path: str) -> list[tuple[Json, str]]:
    rows = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
    for _number, row in rows:
        if not isinstance(row, dict):
            raise Problem(400, f"Invalid object: {path}", param=path)
    return [(row, path if number is None else f"{path}[{number}]") for number, row in rows if isinstance(row, dict)]


def _refuse_metadata(value: object, path: str) -> None:
    if not isinstance(value, dict):
        raise Problem(400, "Invalid object", param=path)
    if len(value) > METADATA_KEYS:
        message = f"You can have at most {METADATA_KEYS} metadata keys, and you have {len(value)}."
        raise Problem(400, message, param=path)
    for key, text in value.items():
        if len(key) > METADATA_KEY:
            message = (
                f"Metadata keys can have up to {METADATA_KEY} characters, but you passed in a key with {len(key)}."
            )
            raise Problem(400, message, param=path)
        if len(str(text)) > METADATA_VALUE:
            message = f"Metadata values can have up to {METADATA_VALUE} characters, but you passed in a value with {len(text)}."
            raise Problem(400, message, param=f"{path}[{key}]")
