"""How many months are bought: at the checkout, and by who asks for it."""

from __future__ import annotations

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from subscriptions import periods


def _out_of_range() -> str:
    return gettext("Choose between 1 and %(n)s months.") % {"n": periods.MAX_MONTHS}


OUT_OF_RANGE = lazy(_out_of_range, str)()  # a lazy text that is filled in at import would stay English


class TermForm(forms.Form):
    """How many months are bought."""

    months = forms.IntegerField(
        label=_("Months"),
        min_value=1,
        max_value=periods.MAX_MONTHS,
        initial=1,
        error_messages={
            "min_value": OUT_OF_RANGE,
            "max_value": OUT_OF_RANGE,
        },
    )
