"""The seller: name, address, tax number and logo of the operator, in versions."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _

from accounts.append_only import AppendOnly
from accounts.models.people import User
from accounts.scope import Actor
from accounts.typed import postal


class SellerLogo(AppendOnly):
    """A picture, stored in the database so that every server has it. Invariants: append-only; `digest` is the SHA-256 of `content`."""

    digest = models.CharField(max_length=64, unique=True)
    content = models.BinaryField()
    content_type = models.CharField(max_length=16)  # image/png or image/jpeg, determined from the bytes
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.content_type} {self.width} × {self.height}"


class SellerVersionQuerySet(models.QuerySet["SellerVersion"]):
    """Versions of the seller. They are printed on invoices, so they are not secret."""

    def visible_to(self, actor: Actor) -> Self:
        """Everybody may read who sells; the demo's seller is visible in the demo only."""
        return self.usable()

    def usable(self) -> Self:
        """All versions except the demo's seller, which is valid in the demo only."""
        return self if settings.DEMO else self.filter(is_example=False)

    def begun(self, now: datetime) -> Self:
        """Versions whose day has come, the highest number first: the first is in force. Without the logo's bytes."""
        return (
            self.usable().filter(valid_from__lte=now).select_related("logo").defer("logo__content").order_by("-number")
        )


class SellerVersion(AppendOnly):
    """The seller as mails, orders and invoices name it. Invariant: append-only and never published for the past, so the version in
    force at the time of an order can always be found."""

    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=120)
    street = models.CharField(max_length=160)
    postal_code = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2)  # ISO 3166-1
    tax_number = models.CharField(max_length=40)
    email = models.EmailField(max_length=254, blank=True)
    logo = models.ForeignKey(SellerLogo, models.PROTECT, null=True, related_name="+")
    valid_from = models.DateTimeField()
    is_example = models.BooleanField(default=False)  # of the demo: not valid outside it
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField()

    objects = SellerVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return _("Seller, version %(number)s") % {"number": self.number}

    @property
    def line(self) -> str:
        """Name and address in one line, for the footer of a mail."""
        return ", ".join((self.name, *postal.lines(self)))
