"""Stripe's API of stored cards: PaymentIntents while the holder is away, and what is kept for them."""

from __future__ import annotations

import json
import re

from payments.sandbox import limits, objects
from payments.sandbox.faults import Faults
from payments.sandbox.processor import Processor
from payments.sandbox.responses import Answer, Problem, listed, missing, request_id
from payments.sandbox.store import Json, Store

CANCELLABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"})


class StripeVault:
    """Answers under the store's lock; None for a request that is not about stored cards."""

    def __init__(self, store: Store, faults: Faults, processor: Processor) -> None:
        self._store, self._faults, self._processor = store, faults, processor

    def answer(self, method: str, path: str, params: Json) -> Answer | None:
        """The answer to a request."""
        expand = params.get("expand") or []
        if path == "/v1/payment_intents":
            return self._prepare(params) if method == "POST" else self._list(params)
        if found := re.fullmatch(r"/v1/payment_intents/(\w+)(/confirm|/cancel)?", path):
            ref, action = found.groups()
            if ref not in self._store.intents:
                raise missing("payment_intent", ref, "intent")
            if method == "GET" and action is None:
                return Answer(200, self.expanded(ref, expand))
            if method == "POST" and action is not None:
                return self._confirm(ref, params) if action == "/confirm" else self._cancel(ref, params)
        if found := re.fullmatch(r"/v1/payment_methods/(\w+)(/detach)?", path):
            ref, is_detach = found.groups()
            if ref not in self._store.methods:
                raise missing("PaymentMethod", ref, "payment_method")
            if is_detach and method == "POST":
                return self._detach(ref)
            if not is_detach and method == "GET":
                return Answer(200, self._store.methods[ref])
        return None

    def expanded(self, ref: str, wanted: list[str]) -> Json:
        """An intent with its charge and card in it, as far as `wanted` names them."""
        intent: Json = dict(self._store.intents[ref])
        if "latest_charge" in wanted and intent["latest_charge"]:
            intent["latest_charge"] = self._store.charges[intent["latest_charge"]]
        if "payment_method" in wanted and intent["payment_method"]:
            intent["payment_method"] = self._store.methods[intent["payment_method"]]
        return intent

    def _prepare(self, params: Json) -> Answer:
        self._validate(params)
        intent = self._processor.prepare(params)
        if self._faults.take("intent_fails_after"):
            return Answer(500, objects.error("api_error", "An unknown error occurred."), request_id(500))
        return self._shown(intent, params, is_silent=self._faults.take("intent_times_out_after"))

    def _confirm(self, ref: str, params: Json) -> Answer:
        limits.refuse_unknown(params, limits.CONFIRM)
        intent = self._store.intents[ref]
        if params.get("off_session") != "true":
            raise Problem(400, "The sandbox confirms stored cards off session only.", param="off_session")
        if intent["status"] != "requires_confirmation":
            raise _unexpected(intent, "confirm")
        self._refuse_bad_card(intent["payment_method"], intent["customer"])
        intent = self._processor.confirm(ref)
        if self._faults.take("charge_fails_after"):
            return Answer(500, objects.error("api_error", "An unknown error occurred."), request_id(500))
        return self._shown(intent, params, is_silent=self._faults.take("charge_times_out_after"))

    def _cancel(self, ref: str, params: Json) -> Answer:
        limits.refuse_unknown(params, limits.CANCEL)
        if self._store.intents[ref]["status"] not in CANCELLABLE:
            raise _unexpected(self._store.intents[ref], "cancel")
        self._processor.cancel(ref)
        return Answer(200, self.expanded(ref, params.get("expand") or []))

    def _shown(self, intent: Json, params: Json, *, is_silent: bool) -> Answer:
        """The present state of an intent, copied, since the answer stored under its key must not change with it; a declined intent as
        an error.
        """
        shown: Json = json.loads(json.dumps(self.expanded(intent["id"], params.get("expand") or [])))
        if failure := shown["last_payment_error"]:
            body = {"error": failure | {"payment_intent": shown}}
            return Answer(402, body, request_id(402), is_silent=is_silent)
        return Answer(200, shown, request_id(200), is_silent=is_silent)

    def _list(self, params: Json) -> Answer:
        wanted = [name.removeprefix("data.") for name in params.get("expand") or []]
        customer = params.get("customer")
        rows = [row for row in self._store.intents.values() if customer in (None, row["customer"])]
        return listed("/v1/payment_intents", [self.expanded(row["id"], wanted) for row in rows], params)

    def _detach(self, ref: str) -> Answer:
        if not self._processor.detach(ref):
            message = "The payment method you provided is not attached to a customer so detachment is impossible."
            raise Problem(400, message)
        return Answer(200, self._store.methods[ref])

    def _validate(self, params: Json) -> None:
        limits.refuse_unknown(params, limits.INTENT)
        for name in ("amount", "currency", "customer", "payment_method"):
            if not params.get(name):
                raise Problem(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        limits.refuse_amount(params["amount"], params["currency"], param="amount")
        if params["customer"] not in self._store.customers:
            raise missing("customer", params["customer"], "customer", status=400)
        self._refuse_bad_card(params["payment_method"], params["customer"])

    def _refuse_bad_card(self, ref: str, customer: str) -> None:
        method = self._store.methods.get(ref)
        if method is None:
            raise missing("PaymentMethod", ref, "payment_method", status=400)
        if method["customer"] is None:
            message = (
                "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was "
                "detached from a Customer. It may not be used again."
            )
            raise Problem(400, message)
        if method["customer"] != customer:
            message = f"The customer does not have a payment method with the ID {method['id']}."
            raise Problem(400, message, param="payment_method")


def _unexpected(intent: Json, action: str) -> Problem:
    message = f"You cannot {action} this PaymentIntent because it has a status of {intent['status']}."
    return Problem(400, message, code="payment_intent_unexpected_state", param="intent")
