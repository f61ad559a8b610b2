"""The gateways, private to payments: whoever needs one asks here by name."""

from django.core.exceptions import ImproperlyConfigured

from payments.gateways.base import Gateway

STRIPE = "stripe"
NAMES = (STRIPE,)


def get(name: str) -> Gateway:
    """The gateway of this name, with the settings of now; raises ImproperlyConfigured for a name nobody has."""
    if name == STRIPE:
        from payments.gateways.stripe import StripeGateway

        return StripeGateway.from_settings()
    raise ImproperlyConfigured(f"There is no gateway {name!r}.")
