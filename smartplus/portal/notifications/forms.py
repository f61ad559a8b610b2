"""The form for muting topics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Topic
from accounts.models.notices import UNMUTABLE

HINTS: dict[str, Promise] = {
    Topic.SECURITY: _("Invitations, new passwords, two-factor and sign-ins from new places."),
    Topic.PAYMENT_FAILED: _("A charge was refused, or an auto-renewal stopped."),
    Topic.ORDERS: _("Orders that were paid, renewals that went through or are due."),
    Topic.REQUESTS: _("Somebody asks to activate or renew, or what you asked for was decided."),
    Topic.SITES: _("Somebody joined, or what you look after changed."),
}
REASONS: dict[str, Promise] = {
    Topic.SECURITY: _("Always on: it is how you notice that somebody else uses your account."),
    Topic.PAYMENT_FAILED: _("Always on: services end when nobody notices that a payment failed."),
}


class NotificationsForm(forms.Form):
    """One switch for each topic, on where mail is wanted; the switch of a topic that can't be muted is on and can't be changed (R8)."""

    def __init__(self, *args: Any, muted: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.muted = muted
        for topic in Topic:
            self.fields[topic] = forms.BooleanField(
                label=topic.label,
                help_text=str(HINTS.get(topic, "")),
                required=False,
                initial=topic not in muted,
                disabled=topic in UNMUTABLE,
            )

    @property
    def wishes(self) -> set[str]:
        """The topics to mute."""
        return {topic for topic in Topic if not self.cleaned_data[topic]}

    @property
    def switches(self) -> Iterator[tuple[BoundField, Promise | str]]:
        """Each field with the reason why it is locked; "" where it is not."""
        return ((self[topic], REASONS.get(topic, "")) for topic in Topic)
