"""Sends signed messages to our webhook in the background: retried if they are not accepted; lost or late if a fault asks for it."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import threading
import time
from urllib.parse import urlsplit

from payments.sandbox.faults import Faults
from payments.sandbox.store import Clock, Json, Store, new_id

RETRY_AFTER_S = (0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0)
TIMEOUT_S = 10.0

logger = logging.getLogger(__name__)


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """The value of `Stripe-Signature` for this body at this second."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class WebhookSender:
    """One thread that delivers the messages in the store; held messages wait there until they are released."""

    def __init__(self, store: Store, clock: Clock, faults: Faults, *, url: str | None, secret: str) -> None:
        self.url, self._secret = url, secret
        self.sent: list[str] = []  # types of the accepted messages, in order
        self._store, self._clock, self._faults = store, clock, faults
        self._wake = threading.Condition(store.lock)
        self._due: dict[str, float] = {}
        self._in_flight: str | None = None
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)

    def start(self) -> None:
        """Begin to deliver, starting with what an earlier run left behind."""
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(1.0)  # a message that is being sent is not waited for: it stays in the store

    def take(self, events: list[Json]) -> None:
        """Accept the messages of one change; the caller holds the store's lock and saves it."""
        if self.url is None or self._faults.take("webhook_lost"):
            return
        if self._faults.take("webhook_reordered"):
            events = events[::-1]
        copies = 2 if self._faults.take("webhook_duplicate") else 1
        is_held = self._faults.take("webhook_late")
        for event in events:
            for _ in range(copies):
                self._store.deliveries[new_id("we_")] = {
                    "kind": event["type"],
                    "body": json.dumps(event),
                    "tries": 0,
                    "is_held": is_held,
                }
        self._wake.notify_all()

    def release(self) -> int:
        """Send the held messages; returns how many they are."""
        with self._wake:
            held = [row for row in self._store.deliveries.values() if row["is_held"]]
            for row in held:
                row["is_held"] = False
            self._store.save()
            self._wake.notify_all()
            return len(held)

    def wait_idle(self, timeout_s: float = 10.0) -> bool:
        """Wait until every message that is not held was delivered or given up; False after `timeout_s`."""
        with self._wake:
            return self._wake.wait_for(
                lambda: self._in_flight is None and all(row["is_held"] for row in self._store.deliveries.values()),
                timeout_s,
            )

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._is_stopping and (key := self._next()) is None:
                    self._wake.wait(0.2 if self._store.deliveries else None)
                if self._is_stopping:
                    return
                assert key is not None
                self._in_flight, body, url = key, self._store.deliveries[key]["body"].encode(), self.url
            is_accepted = url is not None and self._post(url, body)
            with self._wake:
                self._in_flight = None
                self._settle(key, is_accepted=is_accepted)
                self._store.save()
                self._wake.notify_all()

    def _next(self) -> str | None:
        ready = (
            key
            for key, row in self._store.deliveries.items()
            if not row["is_held"] and self._due.get(key, 0.0) <= time.monotonic()
        )
        return next(ready, None)

    def _settle(self, key: str, *, is_accepted: bool) -> None:
        row = self._store.deliveries[key]
        if is_accepted:
            self.sent.append(row["kind"])
        elif row["tries"] < len(RETRY_AFTER_S):
            self._due[key] = time.monotonic() + RETRY_AFTER_S[row["tries"]]
            row["tries"] += 1
            return
        del self._store.deliveries[key]
        self._due.pop(key, None)

    def _post(self, url: str, body: bytes) -> bool:
        parts = urlsplit(url)
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = make(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(body, self._secret, self._clock.now()),
            "User-Agent": "SmartPlus-Sandbox/1.0",
        }
        try:
            connection.request("POST", parts.path or "/", body, headers)
            return connection.getresponse().status < 300  # like Stripe, it follows no redirects
        except (OSError, http.client.HTTPException) as error:
            logger.info("webhook not delivered: %s", error)
            return False
        finally:
            connection.close()
