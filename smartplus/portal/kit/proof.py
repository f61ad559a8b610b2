"""A proof that it is really this person: password and code, before a change that could let others in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import two_factor
from accounts.models import User
from smartplus.portal.kit.fields import IdentifierField, SecretField


class CodeField(IdentifierField):
    """A code as people type or paste it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)
        self.widget.attrs |= {
            "autocomplete": "one-time-code",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "class": "six",
        }

    def to_python(self, value: Any) -> str:
        """Without blanks and hyphens, in capitals."""
        return two_factor.compact(super().to_python(value))


class ProofForm(forms.Form):
    """Password and code, before something changes by which others could come in. With `user`, one who has no second factor is asked
    for the password only."""

    password = SecretField(
        label=_("Password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = CodeField(label=_("Code"), help_text=_("Of the app, or a recovery code."))

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user is not None and user.two_factor_at is None:
            del self.fields["code"]

    @property
    def proof(self) -> dict[str, str]:
        """What the actions take."""
        return {"password": self.cleaned_data["password"], "code": self.cleaned_data.get("code", "")}

    def is_complete(self) -> bool:
        """Whether all of the proof was typed, so that a refusal was a wrong one."""
        return all(self[name].value() for name in ("password", "code") if name in self.fields)

    def is_wrong(self) -> bool:
        """Whether a complete proof was refused. It is counted, since an open session must not be used to guess
        passwords."""
        return self.is_complete() and any(name in self.errors for name in ("password", "code"))
