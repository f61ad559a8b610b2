"""The project types of sites, their price classes, and what sites are paid with."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """Project types (S2)."""

    COMMUNITY = "community", _("Community")
    HOUSE = "house", _("Single-Family House")
    COMMERCIAL = "commercial", _("Commercial")


class PaymentMode(models.TextChoices):
    """What a site is paid with (R37)."""

    REGULAR = "regular", _("Regular payment")
    CREDITS = "credits", _("Credits")


class PriceClass(models.TextChoices):
    """A site that is connected to a property management system has the class Integration, any other Normal (R29)."""

    NORMAL = "normal", _("Normal")
    INTEGRATION = "integration", _("Integration")
