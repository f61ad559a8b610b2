"""Forms of people who are not signed in yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth import forms as django_forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actions import profile
from accounts.models import User
from smartplus.portal.kit.fields import MailField, MailInput


class SignInForm(django_forms.AuthenticationForm):
    """Email and password. A wrong address and a wrong password get the same answer."""

    error_messages = {
        "invalid_login": _("Email and password do not match. After several tries you can have a new password sent."),
        "inactive": _("Email and password do not match. After several tries you can have a new password sent."),
    }

    username = MailField(
        label=_("Email"),
        widget=MailInput(attrs={"autocomplete": "username", "autofocus": True, "class": "lg"}),
    )
    keep = forms.BooleanField(label=_("Keep me signed in for 14 days on this device"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["username"].widget.attrs["maxlength"]  # Django's form puts it there
        self.fields["password"].label = _("Password")
        self.fields["password"].widget.attrs |= {"class": "lg"}
        self.order_fields(["username", "password", "keep"])


class PasswordResetForm(django_forms.PasswordResetForm):
    """The address to which a link is sent; it also serves people who were invited and have no password yet."""

    email = MailField(label=_("Email"), widget=MailInput(attrs={"class": "lg", "autofocus": True}))

    def get_users(self, email: str) -> Iterable[User]:
        """The active person with this address, whatever its upper and lower case; at most one."""
        try:
            user = User.objects.get_by_natural_key(email)
        except User.DoesNotExist:
            return []
        return [user] if user.is_active else []


class NewPasswordForm(django_forms.SetPasswordForm):  # type: ignore[type-arg]
    """A new password, twice. Django's view saves the form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].label = _("New password")
        self.fields["new_password1"].help_text = _("At least 12 characters. Several words are easy to keep in mind.")
        self.fields["new_password2"].label = _("The same once more")
        self.fields["new_password2"].help_text = ""
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget.attrs |= {"class": "lg"}

    def save(self, commit: bool = True) -> User:
        """Set the password, whatever `commit` says; the view has checked the link."""
        user: User = self.user
        profile.reset_password(user, password=self.cleaned_data["new_password1"], now=timezone.now())
        return user
