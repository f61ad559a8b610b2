"""Variants: the parts of a service type that are configured or paid for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SEPARATOR = "+"


@dataclass(frozen=True, slots=True)
class Variant:
    """Some parts of a service type, such as ("landline", "booking"). Empty is false: nothing is wanted, or nothing was paid.

    `code` is its stored form; only this class knows the format.
    """

    parts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, code: str) -> Variant:
        """The variant stored as `code`: "landline+booking" → ("landline", "booking")."""
        return cls(tuple(code.split(SEPARATOR))) if code else NOTHING

    @classmethod
    def of(cls, chosen: Iterable[str], every: Iterable[str]) -> Variant:
        """The variant of the `chosen` parts, in the order of `every`, so that equal choices have one code."""
        chosen = frozenset(chosen)
        return cls(tuple(part for part in every if part in chosen))

    @property
    def code(self) -> str:
        """The stored form; "" for no parts."""
        return SEPARATOR.join(self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __contains__(self, part: str) -> bool:
        return part in self.parts


NOTHING = Variant()
