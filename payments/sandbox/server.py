"""The sandbox as a server on loopback, in a process of its own or inside a test."""

from __future__ import annotations

import copy
import json
import logging
import socketserver
import threading
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments.sandbox import pages
from payments.sandbox.cards import ASKS, CARDS, DECLINE, UNCONFIRMED, WORKS
from payments.sandbox.faults import NAMES, Faults
from payments.sandbox.processor import Processor
from payments.sandbox.responses import Answer
from payments.sandbox.store import Clock, Store
from payments.sandbox.stripe_api import StripeApi
from payments.sandbox.webhook_sender import WebhookSender

HOST = "127.0.0.1"
BODY_MAX_BYTES = 1024 * 1024

logger = logging.getLogger(__name__)


class LiveKey(ValueError):
    """A key that moves real money was given to the sandbox."""


class Sandbox:
    """The gateways' stand-in. `port` 0 takes a free one; `url` says which after `start`."""

    def __init__(
        self,
        port: int = 0,
        *,
        secret_key: str,
        webhook_secret: str,
        webhook_url: str | None = None,
        state_file: Path | None = None,
    ) -> None:
        if secret_key.startswith(("sk_live_", "rk_live_")):
            raise LiveKey("A live key is configured; the sandbox does not start beside real money.")
        self.clock, self.faults, self.store = Clock(), Faults(), Store(state_file)
        self.webhooks = WebhookSender(self.store, self.clock, self.faults, url=webhook_url, secret=webhook_secret)
        self.processor = Processor(self.store, self.clock, self.faults, self.webhooks)
        self.stripe = StripeApi(self.store, self.clock, self.faults, self.processor, secret_key)
        self.is_stopping = threading.Event()
        self._server = _Server(self, port)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.1,), name="sandbox", daemon=True),
            threading.Thread(target=self._watch, name="sandbox-watch", daemon=True),
        ]

    @property
    def url(self) -> str:
        """The address it listens on, for STRIPE_API_BASE."""
        return f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        """Listen; returns at once."""
        for thread in self._threads:
            thread.start()
        self.webhooks.start()

    def stop(self) -> None:
        """Stop listening; requests that wait for a silent answer are released."""
        self.is_stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self.webhooks.stop()

    def pay_page(self, ref: str, action: str, card: str = WORKS) -> tuple[int, str, str]:
        """The answer of the payment page to a button ("" for none): status, page, and the address the customer is sent to."""
        with self.store.lock:
            self.processor.sweep()
            session = self.store.sessions.get(ref)
            if session is None:
                return 404, pages.missing(), ""
            paid_url = session["success_url"].replace("{CHECKOUT_SESSION_ID}", ref)
            left_url = session["cancel_url"] or paid_url
            is_asked = action == "approve" and card == ASKS and self.processor.ask_holder(ref, card)
            is_paid = (
                action == "approve" and not is_asked and self.processor.approve(ref, card if card in CARDS else WORKS)
            )
            if is_paid or (action == "confirm" and self.processor.answer_bank(ref, is_confirmed=True)):
                return 303, "", paid_url
            if action == "cancel" and session["status"] == "open":
                return 303, "", left_url
            error = DECLINE["message"] if action == "decline" and self.processor.decline(ref) else ""
            if action == "refuse" and self.processor.answer_bank(ref, is_confirmed=False):
                error = UNCONFIRMED["message"]
            if self.processor.is_asking(session):
                return 200, pages.bank(session), ""
            if session["status"] == "open":
                line = self.store.lines[ref]
                saves_card = session["mode"] == "setup" or bool(line["intent"].get("setup_future_usage"))
                return 200, pages.pay(session, line["name"], error, saves_card=saves_card), ""
            return 200, pages.ended(session, paid_url if session["status"] == "complete" else left_url), ""

    def state(self) -> dict[str, Any]:
        """The sandbox's state, for tests and for inspection."""
        with self.store.lock:
            self.processor.sweep()
            return {
                "sessions": copy.deepcopy(list(self.store.sessions.values())),
                "customers": copy.deepcopy(list(self.store.customers.values())),
                "methods": copy.deepcopy(list(self.store.methods.values())),
                "intents": copy.deepcopy(list(self.store.intents.values())),
                "moved": self.processor.moved(),
                "waiting": [{"kind": row["kind"], "is_held": row["is_held"]} for row in self.store.deliveries.values()],
                "sent": list(self.webhooks.sent),
                "faults": dict(self.faults.armed),
            }

    def _watch(self) -> None:
        while not self.is_stopping.wait(1.0):
            self.processor.sweep()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of the base class, which can hang on a machine without network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closed its connection, which is how a time-out looks from here."""
        logger.info("sandbox: connection from %s broke off", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # a client that sends nothing may not block its thread longer

    def do_GET(self) -> None:
        """Read."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Write."""
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the demo uses the terminal."""

    def _answer(self, method: str) -> None:
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in {HOST, "localhost"}:
            # Refuses other host names that point to this machine (DNS rebinding)
            return self._send(403, b"", "text/plain")
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX_BYTES:
            return self._send(413, b"", "text/plain")
        body = self.rfile.read(length).decode(errors="replace")
        parts = urlsplit(self.path)
        if parts.path.startswith("/v1/"):
            return self._stripe(method, parts.path, parts.query if method == "GET" else body)
        if parts.path.startswith("/pay/"):
            return self._pay(method, parts.path.removeprefix("/pay/"), body)
        return self._control(method, parts.path, body)

    def _stripe(self, method: str, path: str, text: str) -> None:
        sandbox = self.server.sandbox
        # Locked until the answer is text, since rows change; not while it is sent, since clients are slow
        with sandbox.store.lock:
            answer = sandbox.stripe.answer(method, path, text, dict(self.headers.items()), sandbox.url)
            payload = json.dumps(answer.body).encode()
        if answer.is_silent:
            sandbox.is_stopping.wait(sandbox.faults.hang_s)
            return
        self._send(answer.status, payload, "application/json", answer.headers)

    def _pay(self, method: str, ref: str, body: str) -> None:
        form = parse_qs(body) if method == "POST" else {}
        action, card = form.get("action", [""])[0], form.get("card", [WORKS])[0]
        status, page, location = self.server.sandbox.pay_page(ref, action, card)
        self._send(status, page.encode(), "text/html; charset=utf-8", {"Location": location} if location else None)

    def _control(self, method: str, path: str, body: str) -> None:
        sandbox = self.server.sandbox
        if method == "POST" and self.headers.get_content_type() != "application/json":
            # Refuses forms that another site sends
            return self._json(Answer(415, {"error": "application/json is wanted"}))
        doors: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("GET", "/sandbox/state"): sandbox.state,
            ("GET", "/sandbox/faults"): lambda: {"armed": sandbox.faults.armed, "known": NAMES},
            ("POST", "/sandbox/faults"): lambda: self._arm(json.loads(body)),
            ("POST", "/sandbox/clock"): lambda: self._set_clock(json.loads(body)),
            ("POST", "/sandbox/webhooks/release"): lambda: {"released": sandbox.webhooks.release()},
        }
        if (method, path) not in doors:
            return self._json(Answer(404, {"error": "There is nothing here."}))
        try:
            return self._json(Answer(200, doors[method, path]()))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            return self._json(Answer(400, {"error": f"{type(error).__name__}: {error}"}))

    def _arm(self, wanted: dict[str, int]) -> dict[str, Any]:
        """`{"webhook_late": 1}` switches a fault on, `{}` switches all off, `{"hang_s": 2}` sets how long a missing answer takes
        (seconds).
        """
        faults = self.server.sandbox.faults
        if not wanted:
            faults.clear()
        for name, value in wanted.items():
            if name == "hang_s":
                faults.hang_s = float(value)
            else:
                faults.arm(name, int(value))
        return {"armed": faults.armed}

    def _set_clock(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`{"at": "2026-12-01T09:00:00Z"}` runs on from there, `{"ahead": -600}` runs ten minutes behind, `{"fixed": 1796115600}`
        stands still, `{}` is the machine's time again. Returns the setting of before, which can be sent back.
        """
        sandbox = self.server.sandbox
        if "at" in wanted:
            instant = datetime.fromisoformat(wanted["at"].replace("Z", "+00:00"))
            wanted = {"ahead": int(instant.timestamp() - time.time())}
        known = {name: None if value is None else int(value) for name, value in wanted.items()}
        with sandbox.store.lock:
            before = sandbox.clock.set(fixed=known.get("fixed"), ahead=known.get("ahead") or 0)
            sandbox.processor.sweep()
        return before

    def _json(self, answer: Answer) -> None:
        self._send(answer.status, json.dumps(answer.body).encode(), "application/json", answer.headers)

    def _send(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": content_type, "Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
