"""The MAC address as a value: its maker and its notations. `mac.py` reads what people type."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = 12
BROADCAST = (1 << 48) - 1
VENDOR_OUI = 0x0C1105  # the only block that IEEE assigned to Akuvox


@dataclass(frozen=True, slots=True, order=True)
class Mac:
    """A 48-bit address. `str()` is the form that people see, `hex` the canonical form, `value` the stored number."""

    value: int

    def __str__(self) -> str:
        digits = self.hex
        return ":".join(digits[i : i + 2] for i in range(0, DIGITS, 2))

    @property
    def hex(self) -> str:
        """Twelve upper-case digits."""
        return f"{self.value:012X}"

    @property
    def oui(self) -> str:
        """The first half, which identifies the maker: "0C:11:05"."""
        return str(self)[:8]

    @property
    def is_vendor(self) -> bool:
        """Whether the address is of the vendor's own block."""
        return self.value >> 24 == VENDOR_OUI
