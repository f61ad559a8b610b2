"""Tables of communities: sites and their parts, people on sites, entitlements."""

from communities.models.entitlements import STATE_LABELS, Entitlement, State, state_of
from communities.models.sites import (
    Apartment,
    Building,
    Kind,
    ManagerAssignment,
    Resident,
    Site,
    TechnicianAssignment,
    keys_of,
)

__all__ = [
    "STATE_LABELS",
    "Apartment",
    "Building",
    "Entitlement",
    "Kind",
    "ManagerAssignment",
    "Resident",
    "Site",
    "State",
    "TechnicianAssignment",
    "keys_of",
    "state_of",
]
