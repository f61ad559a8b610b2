"""Which gateways people are offered, and what each can do for them; nobody above needs to know any by name."""

from __future__ import annotations

from dataclasses import dataclass

from payments import gateways
from payments.errors import GatewayNotSetUp
from payments.gateways.base import Checkout, Events
from payments.kinds import MethodKind


@dataclass(frozen=True, slots=True)
class Offer:
    """A gateway where people can pay. `renews`: it can be charged again by itself, and stores a method without a payment too."""

    name: str
    label: str
    method_kind: MethodKind
    renews: bool


@dataclass(frozen=True, slots=True)
class SetUp:
    """How a gateway stands in the settings, for whoever looks after the installation."""

    name: str
    label: str
    address: str  # where it is asked
    key_settings: tuple[str, ...]  # without which nothing can be paid
    missing_setting: str  # the first of them without a value
    event_setting: str  # without which its messages can't be verified; "" where it sends none
    can_verify: bool
    is_only: bool  # no other one is set up

    @property
    def settings(self) -> tuple[str, ...]:
        """All settings that it needs."""
        return (*self.key_settings, *([self.event_setting] if self.event_setting else []))


def set_up() -> list[SetUp]:
    """The gateways that have their keys, in order; where none has, the first one all the same."""
    every = [gateways.get(name) for name in gateways.names()]
    found = [gateway for gateway in every if not gateways.missing_setting(gateway.name)] or every[:1]
    return [
        SetUp(
            name=gateway.name,
            label=gateway.label,
            address=gateway.address,
            key_settings=tuple(gateway.key_settings),
            missing_setting=gateways.missing_setting(gateway.name),
            event_setting=gateway.event_setting if isinstance(gateway, Events) else "",
            can_verify=isinstance(gateway, Events) and gateway.can_verify,
            is_only=len(found) == 1,
        )
        for gateway in found
    ]


def offered() -> list[Offer]:
    """The gateways with pages where people pay that are set up, the proposed one first; where none is, that one all the same, so
    that whoever tries to pay is told."""
    pages = [gateway for name in gateways.names() if isinstance(gateway := gateways.get(name), Checkout)]
    found = [gateway for gateway in pages if not gateways.missing_setting(gateway.name)] or pages[:1]
    return [Offer(gateway.name, gateway.label, gateway.method_kind, gateways.renews(gateway.name)) for gateway in found]


def proposed() -> str:
    """The gateway that is taken where nobody chose one; GatewayNotSetUp where there is none at all."""
    if found := offered():
        return found[0].name
    raise GatewayNotSetUp("there is no gateway with a payment page")


def proposed_to_renew(used: str) -> str:
    """The gateway that stores a new method for what `used` charges by itself: the same, as long as it is offered."""
    able = [offer.name for offer in offered() if offer.renews]
    return used if used in able or not able else able[0]
