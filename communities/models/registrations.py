"""Registration codes of apartments, and who asked with one and has not confirmed the address yet."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from communities.households import Stage
from communities.models.residents import Resident
from communities.models.sites import Apartment, SiteChild, SiteChildQuerySet


class RegistrationCodeQuerySet(SiteChildQuerySet["RegistrationCode"]):
    """Codes by their state."""

    def open(self) -> Self:
        """Neither used nor revoked; their time may be over."""
        return self.filter(used_at=None, revoked_at=None)

    def working(self, now: datetime) -> Self:
        """Those that register a person: open, in time, and of the household that they were printed for. Once its family master of that day has
        left, was moved or removed, the code is over, whoever lives there now."""
        return self.open().filter(
            expires_at__gt=now,
            host__stage=Stage.PRESENT,
            host__apartment=models.F("apartment"),
            apartment__archived_at=None,
            site__archived_at=None,
        )


class RegistrationCode(SiteChild):
    """A printed code that registers one member of the present household, once. Invariants: an apartment has at most one open code; neither the
    token nor the code to type is stored. `host` is the family master for whose household it was printed."""

    apartment = models.ForeignKey(Apartment, models.CASCADE, related_name="registration_codes")
    host = models.ForeignKey(Resident, models.SET_NULL, null=True, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    typed_digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    typed_until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(Resident, models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = RegistrationCodeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["apartment"],
                condition=models.Q(used_at=None, revoked_at=None),
                name="registration_code_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at=None) | models.Q(revoked_at=None), name="registration_code_one_end"
            ),
            models.CheckConstraint(
                condition=models.Q(typed_until__lte=models.F("expires_at")), name="registration_code_typed_is_shorter"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class RegistrationQuerySet(SiteChildQuerySet["Registration"]):
    """Those who asked."""


class Registration(SiteChild):
    """Somebody filled in the form behind a code. Invariant: the person is no resident before the link of the mail, whose digest this is, was
    opened and confirmed. Erased with the code's use, or once its time is over."""

    code = models.ForeignKey(RegistrationCode, models.CASCADE, related_name="registrations")
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("email"))
    language = models.CharField(_("language"), max_length=8, default="en")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"
