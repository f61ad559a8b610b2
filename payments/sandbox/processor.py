"""State changes of a session: opened, approved, declined, expired, each with its events."""

from __future__ import annotations

import copy
from typing import Any

from payments.sandbox import objects
from payments.sandbox.cards import CARDS, DECLINE, UNCONFIRMED, WORKS, by_last4
from payments.sandbox.faults import Faults
from payments.sandbox.store import Clock, Json, Store
from payments.sandbox.webhook_sender import WebhookSender


class Processor:
    """The sandbox's payments, all of them kept in the store; no real money."""

    def __init__(self, store: Store, clock: Clock, faults: Faults, webhook_sender: WebhookSender) -> None:
        self._store, self._clock, self._faults, self._webhook_sender = store, clock, faults, webhook_sender

    def open(self, params: Json, *, amount: int, base_url: str) -> Json:
        """Create a session, and the line that its page shows."""
        with self._store.lock:
            session = objects.checkout_session(params, amount=amount, now=self._clock.now(), base_url=base_url)
            self._store.sessions[session["id"]] = session
            told = params.get("setup_intent_data") or {}
            if session["mode"] == "setup":
                setup = objects.setup_intent(told, customer=session["customer"], now=self._clock.now())
                self._store.setups[setup["id"]] = setup
                session["setup_intent"] = setup["id"]
                self._store.lines[session["id"]] = {"name": told.get("description") or "Save a card", "intent": {}}
            else:
                self._store.lines[session["id"]] = {
                    "name": params["line_items"][0]["price_data"]["product_data"]["name"],
                    "intent": params.get("payment_intent_data") or {},
                }
            self._store.save()
            return session

    def approve(self, ref: str, card: str = WORKS) -> bool:
        """The customer pays with one of the test cards; False when the session is not open any more."""
        with self._store.lock:
            self.sweep()
            session = self._store.sessions[ref]
            if session["status"] != "open":
                return False
            if session["mode"] == "setup":
                return self._save(session, card)
            intent = self._intent_of(session)
            taken = session["amount_total"]
            if self._faults.take("wrong_amount"):
                taken = max(1, taken // 2)
                session["amount_total"] = session["amount_subtotal"] = intent["amount"] = taken
            self._put_card(session, intent, card)
            self._take(intent, taken)
            session |= {"status": "complete", "payment_status": "paid", "url": None}
            self._tell(("checkout.session.completed", session), ("payment_intent.succeeded", intent))
            return True

    def ask_holder(self, ref: str, card: str) -> bool:
        """Let the bank ask the holder to confirm (3-D Secure); no money moves before that. False when the session is not open."""
        with self._store.lock:
            self.sweep()
            session = self._store.sessions[ref]
            if session["status"] != "open" or session["mode"] == "setup":
                return False
            intent = self._intent_of(session)
            intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
            self._store.lines[ref]["card"] = card
            self._tell(("payment_intent.requires_action", intent))
            return True

    def answer_bank(self, ref: str, *, is_confirmed: bool) -> bool:
        """The holder confirms or refuses at the bank. After a refusal the session accepts another card. False when nobody was asked."""
        with self._store.lock:
            session = self._store.sessions[ref]
            if not self.is_asking(session):
                return False
            intent = self._intent_of(session)
            intent |= {"status": "requires_payment_method", "next_action": None}
            if is_confirmed:
                return self.approve(ref, self._store.lines[ref]["card"])
            self._refuse(intent, UNCONFIRMED)
            self._tell(("payment_intent.payment_failed", intent))
            return True

    def is_asking(self, session: Json) -> bool:
        """Whether the session waits for its holder's bank."""
        intent = self._store.intents.get(session["payment_intent"] or "")
        return session["status"] == "open" and intent is not None and intent["status"] == "requires_action"

    def decline(self, ref: str) -> bool:
        """Decline the card; the session stays open for another one."""
        with self._store.lock:
            self.sweep()
            session = self._store.sessions[ref]
            if session["status"] != "open":
                return False
            if session["mode"] == "setup":
                self._store.setups[session["setup_intent"]]["last_setup_error"] = DECLINE
                self._tell(("setup_intent.setup_failed", self._store.setups[session["setup_intent"]]))
                return True
            intent = self._intent_of(session)
            self._refuse(intent, DECLINE)
            self._tell(("payment_intent.payment_failed", intent))
            return True

    def expire(self, ref: str) -> bool:
        """End the session unpaid; False when it has ended before."""
        with self._store.lock:
            self.sweep()
            session = self._store.sessions[ref]
            if session["status"] != "open":
                return False
            self._end(session)
            return True

    def prepare(self, params: Json) -> Json:
        """Create an intent with a stored card, which waits for its confirmation; no money moves."""
        with self._store.lock:
            intent = objects.payment_intent(
                params, amount=int(params["amount"]), currency=params["currency"], now=self._clock.now()
            )
            intent |= {"status": "requires_confirmation", "payment_method": params["payment_method"]}
            self._store.intents[intent["id"]] = intent
            self._store.save()
            return intent

    def confirm(self, ref: str) -> Json:
        """Charge the stored card of an intent that waits for it; the returned intent has the result."""
        with self._store.lock:
            intent: Json = self._store.intents[ref]
            method = self._store.methods[intent["payment_method"]]
            failure = by_last4(method["card"]["last4"]).failure
            if failure is None:
                self._take(intent, intent["amount"])
                self._tell(("payment_intent.succeeded", intent))
            else:  # the intent accepts another card and names the one that failed
                self._refuse(intent, failure | {"payment_method": copy.deepcopy(method)})
                intent |= {"status": "requires_payment_method", "payment_method": None}
                self._tell(("payment_intent.payment_failed", intent))
            return intent

    def cancel(self, ref: str) -> Json:
        """Close an intent that has taken nothing."""
        with self._store.lock:
            intent: Json = self._store.intents[ref]
            intent |= {"status": "canceled", "canceled_at": self._clock.now()}
            self._tell(("payment_intent.canceled", intent))
            return intent

    def detach(self, ref: str) -> bool:
        """Detach a stored card from its customer; False when it has none."""
        with self._store.lock:
            method = self._store.methods[ref]
            was_kept = method["customer"] is not None
            method["customer"] = None
            if was_kept:
                self._tell(("payment_method.detached", method))
            return was_kept

    def renew_card(self, ref: str, **card: Any) -> None:
        """Issue the card anew, as a bank does: its expiry, and sometimes its number, change without the holder."""
        with self._store.lock:
            method = self._store.methods[ref]
            method["card"] |= card
            self._tell(("payment_method.automatically_updated", method))

    def sweep(self) -> None:
        """End the sessions whose time is over."""
        with self._store.lock:
            for session in list(self._store.sessions.values()):
                if session["status"] == "open" and session["expires_at"] <= self._clock.now():
                    self._end(session)

    def moved(self) -> Json:
        """Money taken, by reference: amount and number of charges. A reference should never have two charges."""
        with self._store.lock:
            sums: Json = {}
            for charge in self._store.charges.values():
                if charge["paid"]:
                    row = sums.setdefault(charge["metadata"].get("reference", ""), {"amount": 0, "charges": 0})
                    row["amount"] += charge["amount_captured"]
                    row["charges"] += 1
            return sums

    def _end(self, session: Json) -> None:
        session |= {"status": "expired", "url": None}
        if session["payment_intent"]:
            self._store.intents[session["payment_intent"]] |= {
                "status": "canceled",
                "canceled_at": self._clock.now(),
                "cancellation_reason": "automatic",
            }
        self._tell(("checkout.session.expired", session))

    def _intent_of(self, session: Json) -> Json:
        if session["payment_intent"] is None:  # Stripe creates the intent at the first attempt, not with the session
            told = self._store.lines[session["id"]]["intent"] | {"customer": session["customer"]}
            intent = objects.payment_intent(
                told, amount=session["amount_total"], currency=session["currency"], now=self._clock.now()
            )
            self._store.intents[intent["id"]] = intent
            session["payment_intent"] = intent["id"]
        found: Json = self._store.intents[session["payment_intent"]]
        return found

    def _save(self, session: Json, card: str) -> bool:
        """Store the card of a page that takes no money for its customer."""
        setup = self._store.setups[session["setup_intent"]]
        self._put_card(session, setup | {"setup_future_usage": setup["usage"]}, card, into=setup)
        setup |= {"status": "succeeded", "last_setup_error": None}
        session |= {"status": "complete", "url": None}
        self._tell(("checkout.session.completed", session), ("setup_intent.succeeded", setup))
        return True

    def _put_card(self, session: Json, intent: Json, card: str, *, into: Json | None = None) -> None:
        """The card that pays. It is stored if the session asks for it and has a customer."""
        method = objects.payment_method(CARDS[card], now=self._clock.now())
        self._store.methods[method["id"]] = method
        if session["customer"] is None and session["customer_creation"] == "always":
            customer = objects.customer(email=session["customer_email"], now=self._clock.now())
            self._store.customers[customer["id"]] = customer
            session["customer"] = customer["id"]
        if intent["setup_future_usage"]:
            method["customer"] = session["customer"]
        kept = intent if into is None else into
        kept |= {"customer": session["customer"], "payment_method": method["id"]}

    def _take(self, intent: Json, amount: int) -> None:
        charge = objects.charge(intent, amount=amount, now=self._clock.now())
        self._store.charges[charge["id"]] = charge
        intent |= {
            "status": "succeeded",
            "amount_received": amount,
            "latest_charge": charge["id"],
            "last_payment_error": None,
        }

    def _refuse(self, intent: Json, failure: Json) -> None:
        charge = objects.charge(intent, amount=intent["amount"], now=self._clock.now(), failure=failure)
        self._store.charges[charge["id"]] = charge
        intent |= {"latest_charge": charge["id"], "last_payment_error": failure | {"charge": charge["id"]}}

    def _tell(self, *events: tuple[str, Json]) -> None:
        self._webhook_sender.take(
            [objects.event(kind, copy.deepcopy(it), now=self._clock.now()) for kind, it in events]
        )
        self._store.save()
