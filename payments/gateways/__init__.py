"""The gateways, private to payments: whoever needs one, or what it can do, asks here by its name.

`settings.PAYMENT_GATEWAYS` lists them, name by class, the first one proposed. What a gateway lacks is GatewayCant, before anything was
written or asked.
"""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from payments.errors import GatewayCant, UnknownGateway
from payments.gateways.base import Checkout, Events, Gateway, OffSession, Vault


def names() -> tuple[str, ...]:
    """All of them, in the order in which they are offered."""
    return tuple(settings.PAYMENT_GATEWAYS)


def get(name: str) -> Gateway:
    """The gateway of this name, with the settings of now; UnknownGateway for a name nobody has."""
    return _class_of(name).from_settings()


def label(name: str) -> str:
    """How people call it; a gateway that is not in use any more keeps its name."""
    try:
        return _class_of(name).label
    except UnknownGateway:
        return name.capitalize()


def checkout(name: str) -> Checkout:
    """The gateway, which has pages where people pay."""
    gateway = get(name)
    if not isinstance(gateway, Checkout):
        raise GatewayCant(gateway.label, "checkout")
    return gateway


def vault(name: str) -> Vault:
    """The gateway, which keeps what people pay with."""
    gateway = get(name)
    if not isinstance(gateway, Vault):
        raise GatewayCant(gateway.label, "vault")
    return gateway


def off_session(name: str) -> OffSession:
    """The gateway, which charges what it keeps."""
    gateway = get(name)
    if not isinstance(gateway, OffSession):
        raise GatewayCant(gateway.label, "off_session")
    return gateway


def events(name: str) -> Events:
    """The gateway, which tells us what happens."""
    gateway = get(name)
    if not isinstance(gateway, Events):
        raise GatewayCant(gateway.label, "events")
    return gateway


def renews(name: str) -> bool:
    """Whether it can charge again what people paid with, while they are away."""
    gateway = get(name)
    return isinstance(gateway, Vault) and isinstance(gateway, OffSession)


def missing_setting(name: str) -> str:
    """The first setting without which nothing can be paid there and that has no value; "" where all have."""
    return next((setting for setting, is_set in get(name).key_settings.items() if not is_set), "")


def _class_of(name: str) -> type[Gateway]:
    path = settings.PAYMENT_GATEWAYS.get(name)
    if path is None:
        raise UnknownGateway(name)
    return cast(type[Gateway], import_string(path))
