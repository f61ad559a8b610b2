"""Asking Stripe whether our key is one of its own: one small request, which moves nothing."""

from __future__ import annotations

from payments.errors import GatewayNotSetUp, GatewayUnavailable

TIMEOUT_S = 5


def account_of(api_key: str, api_base: str) -> str:
    """The `acct_…` of the key; "" for a restricted key that may not read it. GatewayNotSetUp for a key that Stripe does not know,
    GatewayUnavailable for no answer."""
    import requests
    import stripe

    session = requests.Session()
    session.trust_env = not api_base  # the sandbox runs on loopback, so no proxy of the environment is used
    client = stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base} if api_base else None,
        max_network_retries=0,  # seconds; a person waits for the answer
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S, session=session),
    )
    try:
        return str(client.v1.accounts.retrieve_current().id)
    except stripe.AuthenticationError as error:
        raise GatewayNotSetUp("authentication error") from error
    except (stripe.PermissionError, stripe.InvalidRequestError):
        return ""  # Stripe knows the key, but the key may not read the account
    except stripe.StripeError as error:
        raise GatewayUnavailable(type(error).__name__) from error
