"""What a row that stores a service type and a variant is called: of models and of the rows that reads make."""

from __future__ import annotations

from typing import Protocol

from communities.catalogue.entries import Entry
from communities.catalogue.service_types import BY_TYPE
from communities.catalogue.stored import SERVICE_TYPE_LABELS, variant_label


class Stored(Protocol):
    """A row with the codes of its service type and variant."""

    @property
    def service_type(self) -> str: ...

    @property
    def variant(self) -> str: ...


class StoredPaid(Stored, Protocol):
    """A row that has the code of the paid variant too."""

    @property
    def paid_variant(self) -> str: ...


class Labelled:
    """Such a row in words."""

    __slots__ = ()

    @property
    def entry(self: Stored) -> Entry:
        """What the catalogue knows of the service type."""
        return BY_TYPE[self.service_type]

    @property
    def service_label(self: Stored) -> str:
        """The service type in words."""
        return str(SERVICE_TYPE_LABELS[self.service_type])

    @property
    def variant_label(self: Stored) -> str:
        """What is switched on, in words; in a list of renewals what is renewed."""
        return variant_label(self.service_type, self.variant)


class PaidLabelled(Labelled):
    """Such a row in words, and what was paid for."""

    __slots__ = ()

    @property
    def paid_label(self: StoredPaid) -> str:
        """The paid variant in words."""
        return variant_label(self.service_type, self.paid_variant)
