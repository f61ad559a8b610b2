"""Tables of communities: sites and their parts, people on sites, entitlements."""

from communities.models.entitlements import STATE_LABELS, Entitlement, Mode, State, state_of
from communities.models.expiries import ExpiryDay
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
    "ExpiryDay",
    "Kind",
    "ManagerAssignment",
    "Mode",
    "Resident",
    "Site",
    "State",
    "TechnicianAssignment",
    "keys_of",
    "state_of",
]
