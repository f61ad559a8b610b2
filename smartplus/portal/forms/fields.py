"""Form fields the portal's areas share, and how an action's refusal reaches its field."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused

# Without the links and the oddities that nobody lives in.
TIME_ZONES: tuple[str, ...] = (
    "UTC",
    *sorted(
        zone
        for zone in available_timezones()
        if zone.partition("/")[0]
        in {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
    ),
)


class TimeZoneField(forms.ChoiceField):
    """An IANA time zone."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Time zone"))
        super().__init__(choices=[(zone, zone.replace("_", " ")) for zone in TIME_ZONES], **kwargs)


def refuse(form: forms.BaseForm, refusal: Refused) -> None:
    """Put what an action refused under the field it is about, or on top of the form."""
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
