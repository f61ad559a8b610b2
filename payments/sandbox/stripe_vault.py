"""Stripe's API of stored cards: PaymentIntents while the holder is away, and what is kept for them."""

from __future__ import annotations

import json
import re

from payments.sandbox import objects
from payments.sandbox.answers import Answer, Problem, listed, missing, refuse_unknown, request_id
from payments.sandbox.book import Book
from payments.sandbox.faults import Faults
from payments.sandbox.objects import Json
from payments.sandbox.till import MINIMUM, Till

KNOWN_PARAMS = frozenset(
    {
        "amount", "currency", "customer", "payment_method", "allowed_payment_method_types", "confirm", "off_session",
        "description", "metadata", "expand",
    }
)  # fmt: skip


class StripeVault:
    """Answers under the book's lock; None for a request that is not about stored cards."""

    def __init__(self, book: Book, faults: Faults, till: Till) -> None:
        self._book, self._faults, self._till = book, faults, till

    def answer(self, method: str, path: str, params: Json) -> Answer | None:
        """The answer to a request."""
        expand = params.get("expand") or []
        if path == "/v1/payment_intents":
            return self._charge(params) if method == "POST" else self._list(params)
        if method == "GET" and (found := re.fullmatch(r"/v1/payment_intents/(\w+)", path)):
            if found[1] not in self._book.intents:
                raise missing("payment_intent", found[1], "intent")
            return Answer(200, self.expanded(found[1], expand))
        if found := re.fullmatch(r"/v1/payment_methods/(\w+)(/detach)?", path):
            ref, is_detach = found.groups()
            if ref not in self._book.methods:
                raise missing("PaymentMethod", ref, "payment_method")
            if is_detach and method == "POST":
                return self._detach(ref)
            if not is_detach and method == "GET":
                return Answer(200, self._book.methods[ref])
        return None

    def expanded(self, ref: str, wanted: list[str]) -> Json:
        """An intent with its charge and card in it, as far as `wanted` names them."""
        intent: Json = dict(self._book.intents[ref])
        if "latest_charge" in wanted and intent["latest_charge"]:
            intent["latest_charge"] = self._book.charges[intent["latest_charge"]]
        if "payment_method" in wanted and intent["payment_method"]:
            intent["payment_method"] = self._book.methods[intent["payment_method"]]
        return intent

    def _charge(self, params: Json) -> Answer:
        self._validate(params)
        intent = self._till.charge_saved(params)
        if self._faults.take("charge_fails_after"):
            return Answer(500, objects.error("api_error", "An unknown error occurred."), request_id(500))
        shown: Json = json.loads(json.dumps(self.expanded(intent["id"], params.get("expand") or [])))
        is_silent = self._faults.take("charge_times_out_after")
        if failure := shown["last_payment_error"]:
            body = {"error": failure | {"payment_intent": shown}}
            return Answer(402, body, request_id(402), is_silent=is_silent)
        return Answer(200, shown, request_id(200), is_silent=is_silent)

    def _list(self, params: Json) -> Answer:
        wanted = [name.removeprefix("data.") for name in params.get("expand") or []]
        customer = params.get("customer")
        rows = [row for row in self._book.intents.values() if customer in (None, row["customer"])]
        return listed("/v1/payment_intents", [self.expanded(row["id"], wanted) for row in rows], params)

    def _detach(self, ref: str) -> Answer:
        if not self._till.detach(ref):
            message = "The payment method you provided is not attached to a customer so detachment is impossible."
            raise Problem(400, message)
        return Answer(200, self._book.methods[ref])

    def _validate(self, params: Json) -> None:
        refuse_unknown(params, KNOWN_PARAMS)
        for name in ("amount", "currency", "customer", "payment_method"):
            if not params.get(name):
                raise Problem(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        if (params.get("confirm"), params.get("off_session")) != ("true", "true"):
            raise Problem(400, "The sandbox confirms at once, off session.", param="confirm")
        least = MINIMUM.get(params["currency"], 1)
        if not params["amount"].isdigit() or int(params["amount"]) < least:
            message = f"Amount must be at least {least} {params['currency']} in its smallest unit"
            raise Problem(400, message, code="amount_too_small", param="amount")
        if params["customer"] not in self._book.customers:
            raise missing("customer", params["customer"], "customer", status=400)
        method = self._book.methods.get(params["payment_method"])
        if method is None:
            raise missing("PaymentMethod", params["payment_method"], "payment_method", status=400)
        if method["customer"] is None:
            message = (
                "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was "
                "detached from a Customer. It may not be used again."
            )
            raise Problem(400, message)
        if method["customer"] != params["customer"]:
            message = f"The customer does not have a payment method with the ID {method['id']}."
            raise Problem(400, message, param="payment_method")
