"""A small, stateful stand-in for the gateways over real HTTP, on this machine only: no real money, true SDK code."""

from payments.sandbox.server import LiveKey, Sandbox

__all__ = ["LiveKey", "Sandbox"]
