"""Tables of communities: sites and their parts, people on sites, entitlements."""

from communities.models.assigned import TechnicianAssignment, assigned_sites
from communities.models.changes import ServiceChange, ServiceChangeRow
from communities.models.drafts import SiteDraft, Step
from communities.models.entitlements import BLOCK_LABELS, Block, Entitlement
from communities.models.expiries import ExpiryDay
from communities.models.sites import (
    Apartment,
    Building,
    Kind,
    ManagerAssignment,
    Resident,
    Site,
    keys_of,
)
from communities.models.status import STATE_LABELS, Mode, State, state_of
from communities.models.targets import Target

__all__ = [
    "BLOCK_LABELS",
    "STATE_LABELS",
    "Apartment",
    "Block",
    "Building",
    "Entitlement",
    "ExpiryDay",
    "Kind",
    "ManagerAssignment",
    "Mode",
    "Resident",
    "ServiceChange",
    "ServiceChangeRow",
    "Site",
    "SiteDraft",
    "State",
    "Step",
    "Target",
    "TechnicianAssignment",
    "assigned_sites",
    "keys_of",
    "state_of",
]
