"""The form of a connection to a property management system."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class TokenForm(forms.Form):
    """What the installer accepts beforehand."""

    is_beyond_free = forms.BooleanField(
        label=_("Members beyond the free number need no yes of mine"),
        help_text=_("Each of them is an Additional App that is paid for. Otherwise they wait until you accept them."),
        required=False,
    )
