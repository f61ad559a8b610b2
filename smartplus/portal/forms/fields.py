"""Form fields the portal's areas share, and how an action's refusal reaches its field."""

from __future__ import annotations

from django import forms

from accounts.errors import Refused


def refuse(form: forms.BaseForm, refusal: Refused) -> None:
    """Put what an action refused under the field it is about, or on top of the form."""
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
