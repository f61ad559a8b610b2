"""Forms of requests: the note to whoever pays, the reason of a refusal."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from smartplus.portal.kit.fields import BlockField
from smartplus.portal.subscription.forms import TermForm


class RequestForm(TermForm):
    """How many months, and what the payer should know."""

    note = BlockField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RefusalForm(forms.Form):
    """Why a request is refused."""

    reason = BlockField(
        label=_("Reason"),
        max_length=500,
        help_text=_("The installer reads it."),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why, so that the installer knows what to do.")},
    )
