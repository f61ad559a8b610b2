"""Requests to Stripe through its SDK: HTTP, our keys, and the translation of its errors into ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from payments.errors import GatewayForgot, GatewayNotSetUp, GatewayRefused, GatewayUnavailable

if TYPE_CHECKING:
    from stripe import StripeClient

RETRIES = 2
PAUSE_S = 5  # the longest wait of the SDK between two tries

Answer = TypeVar("Answer")


def keyed(key: str, send: Callable[[str], Answer]) -> Answer:
    """Send under our key. If Stripe only returns a stored error (5xx) under that key, send once more under a second key.

    Only for requests that move no money, or that move it once even if sent twice.
    """
    import stripe

    try:
        return send(key)
    except stripe.StripeError as error:
        told = {name.lower(): value for name, value in (error.headers or {}).items()}
        if (error.http_status or 0) < HTTPStatus.INTERNAL_SERVER_ERROR or told.get("idempotent-replayed") != "true":
            raise
        return send(f"{key}-2")


def longest_call_s(timeout_s: float) -> float:
    """The longest time in seconds that one call can take: connecting and reading may each use the whole time-out, at every try."""
    return (RETRIES + 1) * timeout_s + RETRIES * PAUSE_S


@lru_cache(maxsize=8)
def client_of(api_key: str, api_base: str, timeout_s: float) -> StripeClient:
    """The SDK's client for a key, one for each process. A call takes at most `longest_call_s`."""
    import requests
    import stripe

    session = None
    if api_base:  # the sandbox runs on loopback, so no proxy of the environment is used
        session = requests.Session()
        session.trust_env = False
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base} if api_base else None,
        max_network_retries=RETRIES,  # under the same idempotency key, so that a retry can't charge twice
        http_client=stripe.RequestsClient(timeout=(timeout_s / 4, timeout_s * 3 / 4), session=session),
    )


@contextmanager
def translated() -> Iterator[None]:
    """Translate the SDK's errors: a rejected request did nothing, every other error leaves the outcome unknown.

    A wrong key (401), a key in use (409) or a key with other parameters says nothing about what an earlier try did.
    """
    import stripe

    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        if error.code == "resource_missing" and error.http_status == HTTPStatus.NOT_FOUND:
            raise GatewayForgot(error.user_message or "") from error
        raise GatewayRefused(error.user_message or "") from error
    except stripe.AuthenticationError as error:
        raise GatewayNotSetUp("authentication error") from error
    except stripe.StripeError as error:
        raise GatewayUnavailable(error.user_message or "") from error
