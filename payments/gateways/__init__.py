"""The gateways, private to payments. Code that needs a gateway or a capability asks here by name.

`settings.PAYMENT_GATEWAYS` lists them, name by class, the proposed one first. A missing capability raises GatewayCant before anything
was written or asked.
"""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from payments.errors import GatewayCant, UnknownGateway
from payments.gateways.base import Checkout, Events, Gateway, OffSession, Vault


def names() -> tuple[str, ...]:
    """The names of all gateways, in the order in which they are offered."""
    return tuple(settings.PAYMENT_GATEWAYS)


def get(name: str) -> Gateway:
    """The gateway with this name, built from the present settings; UnknownGateway for another name."""
    return _class_of(name).from_settings()


def label(name: str) -> str:
    """The name that people see; a gateway that is not in use any more keeps its name."""
    try:
        return _class_of(name).label
    except UnknownGateway:
        return name.capitalize()


def checkout(name: str) -> Checkout:
    """The gateway, if it has payment pages; GatewayCant otherwise."""
    gateway = get(name)
    if not isinstance(gateway, Checkout):
        raise GatewayCant(gateway.label, "checkout")
    return gateway


def vault(name: str) -> Vault:
    """The gateway, if it stores payment methods; GatewayCant otherwise."""
    gateway = get(name)
    if not isinstance(gateway, Vault):
        raise GatewayCant(gateway.label, "vault")
    return gateway


def off_session(name: str) -> OffSession:
    """The gateway, if it can charge stored methods; GatewayCant otherwise."""
    gateway = get(name)
    if not isinstance(gateway, OffSession):
        raise GatewayCant(gateway.label, "off_session")
    return gateway


def events(name: str) -> Events:
    """The gateway, if it sends messages; GatewayCant otherwise."""
    gateway = get(name)
    if not isinstance(gateway, Events):
        raise GatewayCant(gateway.label, "events")
    return gateway


def renews(name: str) -> bool:
    """Whether the gateway can charge a stored method again without its holder."""
    gateway = get(name)
    return isinstance(gateway, Vault) and isinstance(gateway, OffSession)


def missing_setting(name: str) -> str:
    """The first required setting without a value; "" where all have one."""
    return next((setting for setting, is_set in get(name).key_settings.items() if not is_set), "")


def _class_of(name: str) -> type[Gateway]:
    path = settings.PAYMENT_GATEWAYS.get(name)
    if path is None:
        raise UnknownGateway(name)
    return cast(type[Gateway], import_string(path))
