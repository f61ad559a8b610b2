"""Forms of a person's own account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import forms as django_forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from smartplus.portal.kit.fields import LineField, MailField, MailInput
from smartplus.portal.kit.proof import ProofForm
from smartplus.portal.kit.zones import TimeZoneField


class ProfileForm(forms.Form):
    """Name, language and time zone. The address is the login and has a page of its own."""

    name = LineField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("Of the pages and of mails to you.")
    )
    time_zone = TimeZoneField(help_text=_("Dates and times are shown as they are there."))

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        super().__init__(data, initial={name: getattr(user, name) for name in self.base_fields})


class PasswordForm(django_forms.PasswordChangeForm):
    """The current password and the new one, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = _("Current password")
        self.fields["new_password1"].label = _("New password")
        self.fields["new_password1"].help_text = _("At least 12 characters. Several words are easy to keep in mind.")
        self.fields["new_password2"].label = _("The new one once more")
        self.fields["new_password2"].help_text = ""
        self.fields["old_password"].widget.attrs.pop("autofocus", None)


class AddressForm(ProofForm):
    """Another address for oneself."""

    email = MailField(label=_("New address"), widget=MailInput(attrs={"autocomplete": "email"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["email", "password", "code"])
