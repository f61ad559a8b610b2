"""Which gateways people are offered, and what each can do. Callers above this app name no gateway."""

from __future__ import annotations

from dataclasses import dataclass

from payments import gateways
from payments.errors import GatewayNotSetUp
from payments.gateways.base import Checkout, Events
from payments.kinds import MethodKind


@dataclass(frozen=True, slots=True)
class Offer:
    """A gateway where people can pay. `renews`: it can charge again without the payer, and can store a method without a payment."""

    name: str
    label: str
    method_kind: MethodKind
    renews: bool


@dataclass(frozen=True, slots=True)
class SetUp:
    """The configuration state of a gateway, for the operator's pages."""

    name: str
    label: str
    address: str  # the address at which the gateway is asked
    key_settings: tuple[str, ...]  # the settings without which no payment is possible
    missing_setting: str  # the first of them that has no value
    event_setting: str  # the setting without which messages can't be verified; "" where the gateway sends none
    can_verify: bool
    is_only: bool  # this gateway is shown only because none is configured

    @property
    def settings(self) -> tuple[str, ...]:
        """All settings that the gateway needs."""
        return (*self.key_settings, *([self.event_setting] if self.event_setting else []))


def set_up() -> list[SetUp]:
    """The gateways that have their keys, in order; if none has, the first gateway."""
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
    """The configured gateways that have payment pages, the proposed one first. If none is configured, the proposed one is returned all
    the same, so that a payment is refused with a reason.
    """
    pages = [gateway for name in gateways.names() if isinstance(gateway := gateways.get(name), Checkout)]
    found = [gateway for gateway in pages if not gateways.missing_setting(gateway.name)] or pages[:1]
    return [Offer(gateway.name, gateway.label, gateway.method_kind, gateways.renews(gateway.name)) for gateway in found]


def proposed() -> str:
    """The gateway used where nobody chose one. Raises GatewayNotSetUp where none has payment pages."""
    if found := offered():
        return found[0].name
    raise GatewayNotSetUp("there is no gateway with a payment page")


def proposed_to_renew(used: str) -> str:
    """The gateway that stores a new method for an auto-renewal that was charged through `used`: the same one as long as it is offered."""
    able = [offer.name for offer in offered() if offer.renews]
    return used if used in able or not able else able[0]
