"""The form for deciding about an order under review."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from smartplus.portal.kit.fields import LineField


class AssessmentForm(forms.Form):
    """The operator's reason; it is written to the order's timeline and the audit."""

    reason = LineField(
        label=_("Your reason, for whoever reads this later"),
        max_length=300,
        error_messages={"required": _("Say why, for whoever reads this later.")},
    )
