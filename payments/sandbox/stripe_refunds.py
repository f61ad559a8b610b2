"""Stripe's API of refunds: never more than was taken."""

from __future__ import annotations

import json
import re

from payments.sandbox import limits, objects
from payments.sandbox.responses import Answer, Problem, missing, request_id
from payments.sandbox.store import Clock, Json, Store


class StripeRefunds:
    """Answers under the store's lock; None for a request that is not about refunds."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def answer(self, method: str, path: str, params: Json) -> Answer | None:
        """The answer to a request."""
        if path == "/v1/refunds" and method == "POST":
            return self._create(params)
        if method == "GET" and (found := re.fullmatch(r"/v1/refunds/(\w+)", path)):
            [ref] = found.groups()
            if ref not in self._store.refunds:
                raise missing("refund", ref, "refund")
            return Answer(200, self._store.refunds[ref])
        return None

    def _create(self, params: Json) -> Answer:
        limits.refuse_unknown(params, limits.REFUND)
        intent = self._store.intents.get(params.get("payment_intent", ""))
        if intent is None:
            raise missing("payment_intent", params.get("payment_intent", ""), "payment_intent", status=400)
        if intent["status"] != "succeeded":
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise Problem(400, message, param="payment_intent")
        charge = self._store.charges[intent["latest_charge"]]
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not left:
            raise Problem(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        text = str(params.get("amount", left))
        if not text.isdigit() or not int(text):
            raise Problem(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param="amount")
        if int(text) > left:
            message = f"Refund amount ({text}) is greater than unrefunded amount on charge ({left})"
            raise Problem(400, message, param="amount")
        refund = objects.refund(charge, params, amount=int(text), now=self._clock.now())
        self._store.refunds[refund["id"]] = refund
        charge["amount_refunded"] += refund["amount"]
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._store.save()
        return Answer(200, json.loads(json.dumps(refund)), request_id(200))
