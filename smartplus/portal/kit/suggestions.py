"""Text inputs with suggestions from a list that the browser fetches once and keeps."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString


class SuggestingInput(forms.TextInput):
    """A text input with a `<datalist>` that is loaded when needed; without script one types the whole word."""

    def source(self) -> str:
        """Where the options are."""
        raise NotImplementedError

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The line and its list."""
        listed = f"{(attrs or {}).get('id') or name}_list"
        line = super().render(name, value, {**(attrs or {}), "list": listed}, renderer)
        return format_html('{}<datalist id="{}" hx-get="{}" hx-trigger="load"></datalist>', line, listed, self.source())
