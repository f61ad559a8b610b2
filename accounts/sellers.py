"""The seller as mails, orders and invoices name it."""

from __future__ import annotations

from datetime import datetime

from accounts.models import SellerLogo, SellerVersion


def in_force(*, now: datetime) -> SellerVersion | None:
    """The seller in force at `now`; None before the operator published one. The time of an order gives the seller of that order. The
    demo's seller is valid in the demo only."""
    return SellerVersion.objects.begun(now).first()


def logo(digest: str) -> SellerLogo:
    """A logo with its bytes, by the digest in its address; raises SellerLogo.DoesNotExist."""
    return SellerLogo.objects.get(digest=digest)
