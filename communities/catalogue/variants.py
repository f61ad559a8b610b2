"""Variants: which parts of a service type are configured or paid for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SEPARATOR = "+"


@dataclass(frozen=True, slots=True)
class Variant:
    """Some parts of a service type, such as ("landline", "booking"). None at all is false: nothing is wanted, or nothing was paid.

    `code` is how a variant is stored; nothing else knows how that is written.
    """

    parts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, code: str) -> Variant:
        """The variant that is stored as `code`: "landline+booking" → ("landline", "booking")."""
        return cls(tuple(code.split(SEPARATOR))) if code else NOTHING

    @classmethod
    def of(cls, chosen: Iterable[str], every: Iterable[str]) -> Variant:
        """The chosen ones of `every` part, in its order, so that equal choices have one code."""
        chosen = frozenset(chosen)
        return cls(tuple(part for part in every if part in chosen))

    @property
    def code(self) -> str:
        """How it is stored; "" is nothing."""
        return SEPARATOR.join(self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __contains__(self, part: str) -> bool:
        return part in self.parts


NOTHING = Variant()
