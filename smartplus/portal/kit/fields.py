"""Form fields the portal's areas share, and how an action's refusal reaches its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.errors import ActionError, Refused
from accounts.typed import amounts, mail, phones, text
from payments import money


class TypedField(forms.CharField):
    """Typed text, cleaned before its length and form are checked. Its input has no `maxlength`, because browsers cut
    pasted text without a message; too long text is refused in words."""

    clean_text: Callable[[str], str]

    def to_python(self, value: Any) -> str:
        """As the room of typed text reads it."""
        if value in self.empty_values:
            return str(self.empty_value)
        typed = str(value)
        if self.max_length and text.is_endless(typed, self.max_length):
            self.run_validators(typed)  # which refuse it with the limit
        try:
            return type(self).clean_text(typed)
        except Refused as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Without the limits."""
        return {}


class LineField(TypedField):
    """One line of words: names, streets, notes."""

    clean_text = staticmethod(text.line)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """It is written in whichever direction its script has."""
        return {**super().widget_attrs(widget), "dir": "auto"}


class IdentifierField(TypedField):
    """One line of a number or code that others gave: tax and serial numbers."""

    clean_text = staticmethod(text.code)


class BlockField(TypedField):
    """Several lines."""

    widget = forms.Textarea
    clean_text = staticmethod(text.block)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """As a line."""
        return {**super().widget_attrs(widget), "dir": "auto"}

    def to_python(self, value: Any) -> str:
        """Without blank lines around it, unless they count."""
        found = super().to_python(value)
        return found.strip() if self.strip else found


class RawField(TypedField):
    """What a parser cleans that also says what it fixed: MACs, and lists of them."""

    clean_text = staticmethod(str)


class SecretField(forms.CharField):
    """A value that must stay exactly as it was entered: a password, or a value that the portal wrote into the
    page."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Without `maxlength`: half a pasted password is a wrong one."""
        return {}


class MailInput(forms.TextInput):
    """A line for an address. It has no `type=email`: browsers then do not send `Name <address>` and `mailto:`, and
    send domains as punycode."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        usual = {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "email"}
        super().__init__({**usual, **(attrs or {})})


class MailField(TypedField):
    """A mail address, cleaned to how it is shown."""

    widget = MailInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": mail.LONGEST, **kwargs})

    @staticmethod
    def clean_text(typed: str) -> str:
        """The address with its domain in Unicode."""
        return mail.address(typed).shown if text.sought(typed, most=len(typed)) else ""


class PhoneInput(forms.TextInput):
    """A line for a telephone number."""

    input_type = "tel"


class PhoneField(TypedField):
    """A telephone number of `country` or with the code of another one, shown with gaps, cleaned to what is kept. What was kept before
    (`kept`) stays, whatever it is."""

    widget = PhoneInput
    clean_text = staticmethod(text.line)
    country = ""
    kept = ""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": phones.LONGEST, **kwargs})

    def to_python(self, value: Any) -> str:
        """As it is kept."""
        typed = super().to_python(value)
        if typed in ("", self.kept, phones.shown(self.kept)):
            return self.kept if typed else ""
        try:
            return phones.number(typed, self.country)
        except Refused as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal

    def prepare_value(self, value: Any) -> Any:
        """With gaps."""
        return phones.shown(value) if isinstance(value, str) else value


class AmountField(TypedField):
    """An amount of money in `currency`, cleaned to its smallest units and shown with the reader's decimal sign."""

    clean_text = staticmethod(text.line)
    currency = "USD"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": forms.TextInput(attrs={"inputmode": "decimal", "class": "num r"}), **kwargs})

    @property
    def unit(self) -> str:
        """The currency in the label."""
        return _("Credits") if self.currency == money.CREDITS else self.currency

    def to_python(self, value: Any) -> Any:
        """Smallest units; None for nothing."""
        if isinstance(value, int):
            return value
        typed = super().to_python(value)
        if not typed:
            return None
        digits, marks = money.exponent(self.currency), money.marks(self.currency)
        try:
            return amounts.minor(typed, digits=digits, language=_language(), marks=marks)
        except amounts.TooFine as refusal:
            words = _("Credits are whole.") if self.currency == money.CREDITS else str(refusal)
            raise ValidationError(words, code="invalid") from refusal
        except Refused as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal

    def prepare_value(self, value: Any) -> Any:
        """With the reader's decimal sign."""
        if isinstance(value, int):
            return amounts.shown(value, digits=money.exponent(self.currency), language=_language())
        return value


def _language() -> str:
    return translation.get_language() or settings.LANGUAGE_CODE


def refuse(form: forms.BaseForm, refusal: ActionError) -> None:
    """Put the reason of a refusal under the field it is about, or at the top of the form."""
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
