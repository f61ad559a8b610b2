"""Why a request is refused."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from smartplus.portal.kit.fields import BlockField


class RefusalForm(forms.Form):
    """Why a request is refused."""

    reason = BlockField(
        label=_("Reason"),
        max_length=500,
        help_text=_("The installer reads it."),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why, so that the installer knows what to do.")},
    )
