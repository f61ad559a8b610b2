"""Who sells: what is published of the seller, as mails, orders and invoices name it."""

from __future__ import annotations

from datetime import datetime

from accounts.models import SellerLogo, SellerVersion


def in_force(*, now: datetime) -> SellerVersion | None:
    """The seller that mails, orders and invoices name at `now`; None before the operator published one. Ask with an order's time for
    the seller of that order. The demo's seller counts in the demo only."""
    return SellerVersion.objects.begun(now).first()


def logo(digest: str) -> SellerLogo:
    """A logo with its bytes, by the digest that stands in its address; raises SellerLogo.DoesNotExist."""
    return SellerLogo.objects.get(digest=digest)
