"""The part of Stripe's API that we call: authentication, idempotency, validation, and answers in Stripe's shapes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping

from payments.sandbox import limits, objects
from payments.sandbox.faults import Faults
from payments.sandbox.forms import decode
from payments.sandbox.processor import Processor
from payments.sandbox.responses import Answer, Problem, listed, missing, request_id
from payments.sandbox.store import Clock, Json, Store
from payments.sandbox.stripe_refunds import StripeRefunds
from payments.sandbox.stripe_vault import StripeVault

KEY_LONGEST = 255
KEYS_KEPT_S = 24 * 60 * 60
SILENCE = {
    "/v1/checkout/sessions": "create_times_out_after",
    "/v1/payment_intents": "intent_times_out_after",
    "/v1/payment_intents/confirm": "charge_times_out_after",
}


class StripeApi:
    """Answers one request at a time, under the store's lock."""

    def __init__(self, store: Store, clock: Clock, faults: Faults, processor: Processor, secret_key: str) -> None:
        self._store, self._clock, self._faults, self._processor, self._secret_key = (
            store,
            clock,
            faults,
            processor,
            secret_key,
        )
        self._vault, self._refunds = StripeVault(store, faults, processor), StripeRefunds(store, clock)

    def answer(self, method: str, path: str, text: str, headers: Mapping[str, str], base_url: str) -> Answer:
        """The answer to a request whose query (GET) or form (POST) is `text`."""
        try:
            self._authenticate(headers.get("Authorization") or "")
            if self._faults.take("unavailable"):
                return Answer(503, objects.error("api_error", "Stripe is not available right now."))
            if self._faults.take("rate_limited"):
                message = "Too many requests hit the API too quickly."
                return Answer(429, objects.error("invalid_request_error", message, code="rate_limit"))
            with self._store.lock:
                self._processor.sweep()
                key = headers.get("Idempotency-Key") or ""
                if method == "POST" and len(key) > KEY_LONGEST:
                    raise Problem(400, f"Idempotency keys are limited to {KEY_LONGEST} characters.")
                if method == "POST" and key and self._faults.take("key_in_use"):
                    message = "There is currently another in-progress request using this Idempotent Key."
                    return Answer(409, objects.error("idempotency_error", message, code="idempotency_key_in_use"))
                if method == "POST" and key:
                    return self._once(key, method, path, text, base_url)
                return self._route(method, path, decode(text), base_url)
        except Problem as problem:
            return problem.answer

    def _authenticate(self, header: str) -> None:
        given = header.removeprefix("Bearer ").strip()
        if not given:
            raise Problem(401, "You did not provide an API key.")
        if not hmac.compare_digest(given.encode(), self._secret_key.encode()):
            raise Problem(401, f"Invalid API Key provided: {given[:4]}****")

    def _once(self, key: str, method: str, path: str, text: str, base_url: str) -> Answer:
        now = self._clock.now()
        for old in [name for name, row in self._store.keys.items() if row["at"] < now - KEYS_KEPT_S]:
            del self._store.keys[old]
        print_ = hashlib.sha256(json.dumps([method, path, decode(text)], sort_keys=True).encode()).hexdigest()
        stored = self._store.keys.get(key)
        if stored is None:
            # An answer that validation refuses is not stored under the key
            answer = self._route(method, path, decode(text), base_url)
            self._store.keys[key] = {"print": print_, "status": answer.status, "body": answer.body, "at": now}
            self._store.save()
            return answer
        if stored["print"] != print_:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return Answer(400, objects.error("idempotency_error", message))
        return Answer(
            stored["status"],
            stored["body"],
            {"Idempotent-Replayed": "true"} | request_id(stored["status"]),
            is_silent=self._faults.take(SILENCE.get(re.sub(r"/pi_\w+", "", path), "")),
        )

    def _route(self, method: str, path: str, params: Json, base_url: str) -> Answer:
        if path == "/v1/account" and method == "GET":
            return Answer(200, objects.account(self._store.account))
        if path == "/v1/checkout/sessions":
            if method == "POST":
                return self._create(params, base_url)
            return listed(path, self._store.sessions.values(), params)
        if found := re.fullmatch(r"/v1/checkout/sessions/(\w+)(/expire)?", path):
            ref, is_expiry = found.groups()
            if ref not in self._store.sessions:
                raise missing("checkout.session", ref, "session")
            if is_expiry and method == "POST":
                return self._expire(ref)
            if not is_expiry and method == "GET":
                return Answer(200, self._expanded(self._store.sessions[ref], params.get("expand", [])))
        if answer := self._vault.answer(method, path, params) or self._refunds.answer(method, path, params):
            return answer
        raise Problem(404, f"Unrecognized request URL ({method}: {path}).")

    def _create(self, params: Json, base_url: str) -> Answer:
        amount = self._validated_amount(params)
        session = self._processor.open(params, amount=amount, base_url=base_url)
        if self._faults.take("create_fails_after"):
            message = "An unknown error occurred."
            return Answer(500, objects.error("api_error", message), request_id(500))
        shown = json.loads(json.dumps(session))  # a copy: the stored answer must not change with the object
        return Answer(200, shown, request_id(200), is_silent=self._faults.take("create_times_out_after"))

    def _expire(self, ref: str) -> Answer:
        if not self._processor.expire(ref):
            status = self._store.sessions[ref]["status"]
            raise Problem(
                400,
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of {status}.",
            )
        return Answer(200, self._expanded(self._store.sessions[ref], []))

    def _expanded(self, session: Json, wanted: list[str]) -> Json:
        setup = session["setup_intent"]
        if setup and any(name.split(".")[0] == "setup_intent" for name in wanted):
            shown = dict(self._store.setups[setup])
            if "setup_intent.payment_method" in wanted and shown["payment_method"]:
                shown["payment_method"] = self._store.methods[shown["payment_method"]]
            return session | {"setup_intent": shown}
        intent = session["payment_intent"]
        if intent and any(name.split(".")[0] == "payment_intent" for name in wanted):
            inside = [name.removeprefix("payment_intent.") for name in wanted]
            return session | {"payment_intent": self._vault.expanded(intent, inside)}
        return session

    def _validated_amount(self, params: Json) -> int:
        limits.refuse_unknown(params, limits.SESSION)
        mode = params.get("mode")
        if mode not in {"payment", "setup"}:
            raise Problem(400, "The sandbox knows sessions in payment and setup mode only.", param="mode")
        for name in ("success_url", "line_items" if mode == "payment" else "currency"):
            if not params.get(name):
                raise Problem(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        for name in ("line_items", "payment_intent_data") if mode == "setup" else ("setup_intent_data", "currency"):
            if name in params:
                raise Problem(400, f"You can not pass `{name}` in `{mode}` mode.", param=name)
        for name in ("success_url", "cancel_url"):
            if name in params and not re.match(r"https?://[^/]+", params[name]):
                raise Problem(400, "Not a valid URL", code="url_invalid", param=name)
        if "customer_email" in params and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", params["customer_email"]):
            message = f"Invalid email address: {params['customer_email']}"
            raise Problem(400, message, code="email_invalid", param="customer_email")
        self._refuse_bad_customer(params)
        if "expires_at" in params:
            limits.refuse_end(params["expires_at"], self._clock.now())
        return _total(params) if mode == "payment" else 0

    def _refuse_bad_customer(self, params: Json) -> None:
        if "customer" not in params:
            return
        for name in ("customer_email", "customer_creation"):
            if name in params:
                message = f"You may only specify one of these parameters: customer, {name}."
                raise Problem(400, message, param="customer")
        if params["customer"] not in self._store.customers:
            raise missing("customer", params["customer"], "customer", status=400)


def _total(params: Json) -> int:
    """The sum over all lines in the currency's units; refuses what is malformed, or an amount that Stripe does not charge."""
    amount, currency = 0, ""
    for number, line in enumerate(params["line_items"]):
        try:
            price = line["price_data"]
            amount += int(price["unit_amount"]) * int(line.get("quantity", 1))
            currency, name = price["currency"], price["product_data"]["name"]
        except (KeyError, TypeError, ValueError):
            where = f"line_items[{number}]"
            raise Problem(400, f"Missing required param: {where}.", code="parameter_missing", param=where) from None
        if not name:
            raise Problem(
                400, "You passed an empty string.", param=f"line_items[{number}][price_data][product_data][name]"
            )
    return limits.refuse_amount(str(amount), currency, param="line_items")
