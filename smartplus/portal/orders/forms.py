"""The form of an order under review: why it is applied, or why its money was paid back."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from smartplus.portal.kit.fields import LineField


class JudgmentForm(forms.Form):
    """The operator's reason; it stands in the order's timeline and in the audit."""

    reason = LineField(
        label=_("Your reason, for whoever reads this later"),
        max_length=300,
        error_messages={"required": _("Say why, for whoever reads this later.")},
    )
