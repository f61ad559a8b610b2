"""Tables of communities: sites and their parts, people on sites, entitlements."""

from communities.households import Lease, Stage
from communities.models.accounts import AccountKind, CommercialAccount
from communities.models.assigned import TechnicianAssignment, assigned_sites
from communities.models.changes import ServiceChange, ServiceChangeRow
from communities.models.drafts import SiteDraft, Step
from communities.models.entitlements import BLOCK_LABELS, Block, Entitlement
from communities.models.equipment import KINDS_OF, TARGET_OF, Equipment, EquipmentKind, Viewers
from communities.models.expiries import ExpiryDay
from communities.models.imports import ApartmentImport, ImportRow
from communities.models.kinds import Kind, PaymentMode, PriceClass
from communities.models.pms import PmsConnection
from communities.models.registrations import Registration, RegistrationCode
from communities.models.residents import Resident
from communities.models.sites import (
    Apartment,
    Building,
    ManagerAssignment,
    Site,
    keys_of,
)
from communities.models.status import STATE_LABELS, Mode, State, state_of
from communities.models.targets import Target

__all__ = [
    "BLOCK_LABELS",
    "KINDS_OF",
    "STATE_LABELS",
    "TARGET_OF",
    "AccountKind",
    "Apartment",
    "ApartmentImport",
    "Block",
    "Building",
    "CommercialAccount",
    "Entitlement",
    "Equipment",
    "EquipmentKind",
    "ExpiryDay",
    "ImportRow",
    "Kind",
    "Lease",
    "ManagerAssignment",
    "Mode",
    "PaymentMode",
    "PmsConnection",
    "PriceClass",
    "Registration",
    "RegistrationCode",
    "Resident",
    "ServiceChange",
    "ServiceChangeRow",
    "Site",
    "SiteDraft",
    "Stage",
    "State",
    "Step",
    "Target",
    "TechnicianAssignment",
    "Viewers",
    "assigned_sites",
    "keys_of",
    "state_of",
]
