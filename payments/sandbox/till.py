"""What happens to a session: opened, approved, declined, expired, each with its messages."""

from __future__ import annotations

import copy

from payments.sandbox import objects
from payments.sandbox.book import Book, Clock
from payments.sandbox.courier import Courier
from payments.sandbox.faults import Faults
from payments.sandbox.objects import Json

DECLINE: Json = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
}


class Till:
    """The sandbox's money: none of it real, all of it in the book."""

    def __init__(self, book: Book, clock: Clock, faults: Faults, courier: Courier) -> None:
        self._book, self._clock, self._faults, self._courier = book, clock, faults, courier

    def open(self, params: Json, *, amount: int, base_url: str) -> Json:
        """A new session and what its page shows."""
        with self._book.lock:
            session = objects.checkout_session(params, amount=amount, now=self._clock.now(), base_url=base_url)
            self._book.sessions[session["id"]] = session
            self._book.lines[session["id"]] = {
                "name": params["line_items"][0]["price_data"]["product_data"]["name"],
                "intent": params.get("payment_intent_data") or {},
            }
            self._book.save()
            return session

    def approve(self, ref: str) -> bool:
        """The customer pays; False when the session is not open any more."""
        with self._book.lock:
            self.sweep()
            session = self._book.sessions[ref]
            if session["status"] != "open":
                return False
            intent = self._intent_of(session)
            taken = session["amount_total"]
            if self._faults.take("wrong_amount"):
                taken = max(1, taken // 2)
                session["amount_total"] = session["amount_subtotal"] = intent["amount"] = taken
            charge = objects.charge(intent, amount=taken, now=self._clock.now())
            self._book.charges[charge["id"]] = charge
            intent |= {
                "status": "succeeded",
                "amount_received": taken,
                "latest_charge": charge["id"],
                "last_payment_error": None,
            }
            session |= {"status": "complete", "payment_status": "paid", "url": None}
            self._tell(("checkout.session.completed", session), ("payment_intent.succeeded", intent))
            return True

    def decline(self, ref: str) -> bool:
        """The card is refused; the session stays open for another one."""
        with self._book.lock:
            self.sweep()
            session = self._book.sessions[ref]
            if session["status"] != "open":
                return False
            intent = self._intent_of(session)
            charge = objects.charge(intent, amount=intent["amount"], now=self._clock.now(), failure=DECLINE)
            self._book.charges[charge["id"]] = charge
            intent |= {"latest_charge": charge["id"], "last_payment_error": DECLINE | {"charge": charge["id"]}}
            self._tell(("payment_intent.payment_failed", intent))
            return True

    def expire(self, ref: str) -> bool:
        """The session ends unpaid; False when it has ended before."""
        with self._book.lock:
            self.sweep()
            session = self._book.sessions[ref]
            if session["status"] != "open":
                return False
            self._end(session)
            return True

    def sweep(self) -> None:
        """End the sessions whose time is over."""
        with self._book.lock:
            for session in list(self._book.sessions.values()):
                if session["status"] == "open" and session["expires_at"] <= self._clock.now():
                    self._end(session)

    def moved(self) -> Json:
        """Money taken by reference: amount and number of charges. One reference should never have two."""
        with self._book.lock:
            sums: Json = {}
            for charge in self._book.charges.values():
                if charge["paid"]:
                    row = sums.setdefault(charge["metadata"].get("reference", ""), {"amount": 0, "charges": 0})
                    row["amount"] += charge["amount_captured"]
                    row["charges"] += 1
            return sums

    def _end(self, session: Json) -> None:
        session |= {"status": "expired", "url": None}
        if session["payment_intent"]:
            self._book.intents[session["payment_intent"]] |= {
                "status": "canceled",
                "canceled_at": self._clock.now(),
                "cancellation_reason": "automatic",
            }
        self._tell(("checkout.session.expired", session))

    def _intent_of(self, session: Json) -> Json:
        if session["payment_intent"] is None:  # Stripe makes it at the first attempt, not with the session
            intent = objects.payment_intent(session, self._book.lines[session["id"]]["intent"], now=self._clock.now())
            self._book.intents[intent["id"]] = intent
            session["payment_intent"] = intent["id"]
        found: Json = self._book.intents[session["payment_intent"]]
        return found

    def _tell(self, *happenings: tuple[str, Json]) -> None:
        self._courier.take([objects.event(kind, copy.deepcopy(it), now=self._clock.now()) for kind, it in happenings])
        self._book.save()
