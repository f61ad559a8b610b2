"""Forms of the second factor, of the terms, and of tokens."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core import signing
from django.forms import BoundField
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import two_factor
from accounts.models import Document, Scope, User
from smartplus.portal.kit.fields import LineField, SecretField
from smartplus.portal.kit.proof import CodeField, ProofForm

# Ten years; the calendar's last day would end after the last representable instant in New York
LONGEST_TOKEN = timedelta(days=3653)
KEY_SALT, KEY_FOR_S = "two-factor-key", 3600  # how long a QR code stays valid


class SignInCodeForm(forms.Form):
    """The second step of the sign-in."""

    code = CodeField(label=_("Code"), help_text=_("The six digits of your app, or one of your recovery codes."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"autofocus": True}


class AppForm(forms.Form):
    """The first code of an app, and the password. The form contains the app's secret, signed, so that showing the page writes nothing."""

    key = SecretField(widget=forms.HiddenInput)
    code = CodeField(label=_("Code from the app"))
    password = SecretField(
        label=_("Your password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"inputmode": "numeric"}

    @classmethod
    def fresh(cls, user: User) -> AppForm:
        """A form with a new secret."""
        return cls(user, initial={"key": signing.dumps([user.pk, two_factor.new_key()], salt=KEY_SALT)})

    def clean_key(self) -> str:
        """The secret in hex, if it belongs to this page and person."""
        secret = self.secret()
        if not secret:
            raise forms.ValidationError(_("This page was open for too long. Load it again and scan the new code."))
        return secret

    def secret(self) -> str:
        """The secret in hex; empty if it is forged, another person's or too old."""
        try:
            owner, secret = signing.loads(str(self["key"].value() or ""), salt=KEY_SALT, max_age=KEY_FOR_S)
        except (signing.BadSignature, ValueError, TypeError):
            return ""
        return str(secret) if owner == self.user.pk else ""


class KeptForm(forms.Form):
    """The confirmation that the recovery codes are saved."""

    kept = forms.BooleanField(
        label=_("I have kept them in a safe place"),
        error_messages={"required": _("Keep the codes first: without the phone nothing else lets you in.")},
    )


class AcceptForm(forms.Form):
    """The documents in force that are not accepted yet: `asked` maps documents to their numbers. `shown` contains the numbers that the page
    showed."""

    shown = SecretField(widget=forms.HiddenInput, required=False)
    terms = forms.BooleanField(
        label=_("I accept the Terms and Conditions"), error_messages={"required": _("Accept them to go on.")}
    )
    privacy = forms.BooleanField(
        label=_("I have read the Privacy Notice"), error_messages={"required": _("Read it to go on.")}
    )

    def __init__(self, *args: Any, asked: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = asked
        for document in Document:
            if document.value not in asked:
                del self.fields[document.value]
        self.fields["shown"].initial = self._asked_for

    @property
    def _asked_for(self) -> str:
        return " ".join(f"{document}-{number}" for document, number in sorted(self.asked.items()))

    def was_shown_all(self) -> bool:
        """Whether the person saw exactly these versions."""
        return bool(self.cleaned_data["shown"] == self._asked_for)

    @property
    def texts(self) -> list[tuple[str, str, int, BoundField]]:
        """For each document the address of this version, its title, its number and its checkbox."""
        return [
            (reverse(f"{name}-version", args=[number]), str(Document(name).label), number, self[name])
            for name in Document.values
            if (number := self.asked.get(name))
        ]


class TokenForm(ProofForm):
    """A new token: its name, scopes and last day; and the proof that the person itself creates it."""

    name = LineField(label=_("Name"), max_length=60, help_text=_("What uses it, so that you know what you revoke."))
    scopes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)
    expires_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until it is revoked."),
    )  # fmt: skip

    def __init__(self, open_scopes: tuple[Scope, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["name", "scopes", "expires_on", "password", "code"])
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [(scope.value, scope.label) for scope in open_scopes]

    def clean_expires_on(self) -> date | None:
        """The last day, at most ten years ahead."""
        last: date | None = self.cleaned_data["expires_on"]
        if last and last > timezone.localdate() + LONGEST_TOKEN:
            raise forms.ValidationError(_("Choose a day within the next ten years."))
        return last

    def expires_at(self) -> datetime | None:
        """The end of the last day, in the person's time zone."""
        last = self.cleaned_data["expires_on"]
        return timezone.make_aware(datetime.combine(last, time.max)) if last else None
