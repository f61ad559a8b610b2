"""What the walker has to be told: which parameter names what, who reaches which estate, and the few exceptions with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.guards.offered import OTHER
from tests.guards.world import MACS, MARKS

# Parameter of an address → the kind of thing it names, unless the name of its route says otherwise.
PARAMETERS = {
    "site_id": "site",
    "building_id": "building",
    "change_id": "change",
    "draft_id": "draft",
    "job_id": "job",
    "import_id": "import",
    "apartment_id": "apartment",
    "resident_id": "resident",
    "device_id": "device",
    "entry_id": "entry",
    "number": "order",
    "code": "service",
    "uidb64": "link",
    "token": "link",
    "digest": "link",
    "version": "text",
    "language": "language",
    "kind": "equipment_kind",
    "gateway": "gateway",
    "event_id": "event",
    "notice_id": "notice",
    "membership_id": "member",
    "organization_id": "firm",
    "handover_id": "handover",
    "equipment_id": "equipment",
    "account_id": "account",
}
BY_ROUTE = {
    **dict.fromkeys(("house-site", "house-edit"), "house"),
    **dict.fromkeys(("commercial-site", "commercial-edit", "account-new", "account-switch"), "commercial"),
    "cart": "cart",
    "cart-term": "cart",
    "auto-renewal-stop": "auto_renewal",
    "auto-renewal-card": "auto_renewal",
    "auto-renewal-card-new": "auto_renewal",
    "settings-method-remove": "method",
    "price-list-detail": "price_list",
    "webhook-detail": "webhook",
    "failure-again": "failure",
    "request-detail": "request",
    "request-approve": "request",
    "request-refuse": "request",
    "request-withdraw": "request",
    "user-invitation": "invited",
    "user-sites": "technician",
    "firm-activity": "firm_below",
    "firm-person-new": "installer",
    "firm-move": "installer",
    "choices-address": "address_kind",
}
NOBODYS: dict[str, str] = {
    "service": "landline",
    "link": "MQ",
    "text": "1",
    "language": "en",
    "gateway": "stripe",
    "address_kind": "needed-other",
    "equipment_kind": "lock",
}  # kinds that belong to no tenant, and one of each

# Name of a field or of a word in the query → the kind of thing it names. A name that isn't here is tried with all kinds.
FIELDS: dict[str, str] = {
    "item": "entitlement",
    "managers": "membership",
    "pm_app": "membership",
    "technicians": "technician",
    "membership": "membership",
    "installer": "installer",
    "distributor": "distributor",
    "building": "building",
    "apartment": "apartment",
    "cart": "cart",
    "site": "site",
    "follows": "price_list",
    "mac": "mac",
    "rows": "mac",
    "sites": "site",
    "method": "method",
    "parent": "firm",
    "to": "firm",
    "under": "firm",
    "session": "session",
    "token": "token",
    "who": "membership",
    "left": "auto_renewal",
    **dict.fromkeys(("managers_after", "managers_before"), "membership"),
    **dict.fromkeys(("technicians_after", "technicians_before"), "technician"),
}
IDS = (
    "site", "building", "apartment", "resident", "device", "equipment", "account", "entry", "entitlement", "cart", "order_id",
    "auto_renewal", "method", "installer", "membership", "price_list", "event", "notice", "member", "firm", "request", "handover",
    "session", "token", "webhook", "failure",
)  # fmt: skip
# Fields that name nothing: counters, switches, and what is not ours.
PLAIN = {
    "csrfmiddlewaretoken", "form_token", "version", "next", "months", "renewals", "retention_days", "fingerprint", "TOTAL_FORMS", "INITIAL_FORMS",
    "MIN_NUM_FORMS", "MAX_NUM_FORMS", "was", "stops",
}  # fmt: skip
WORDS = {
    "q",
    "sort",
    "format",
    "kind",
    "service",
    "show",
    "status",
    "state",
    "floor",
    "back",
    "before",
    "after",
    "all",
    "mail",
    "planned_managers",
    "page",
    "problems",
    "area",
    "country",
    "currency",
    "days",
    "from",
    "indoor_monitor",
    "installer_name",
    "landline",
    "language",
    "newest",
    "select",
    "site_name",
    "tab",
    "terms_version",
    "time_zone",
    "type",
}

# Text for the blank fields of forms, so that they are accepted as they stand.
OTHERWISE = "1"
FILL = {
    "name": "Walker",
    "email": "walker@example.org",
    "mobile": "+49 40 1234567",
    "street": "Way 1",
    "postal_code": "20457",
    "city": "Town",
    "country": "DE",
    "floor": "7",
    "number": "77",
    "reason": "walked by",
    "rows": "0C1105FF0001",
    "free_members": "4",
    "note": "walked",
    "flat": "",  # belongs to the building that is chosen above it
    "valid_from": "2027-01-01",
    "to_name": OTHER,
    "expires_on": "2027-01-01",
    "begins": "2027-01-01",
    "on": "2027-01-01",
    "lease_from": "",
    "lease_until": "2027-12-31",
}
TICKED = {"terms", "scopes", "to", "replaces"}  # boxes that a form is not accepted without
# Forms that are refused however one fills them in, and why.
REFUSED = {
    "sign-in": "no password is known here",
    "settings-security": "no app is at hand that makes the codes",
    "settings-password": "no password is known here",
    "settings-tokens": "no password is known here",
    "settings-address": "no password is known here",
    "device-remove": "the last required monitor stays (R19)",
    "account-switch": "as the page stands nothing is switched",
    "site-handover of subdistributor": "below Sam is one installer only, so there is nobody to offer a site to",
    **dict.fromkeys(
        ("apartment-archive", "building-archive", "site-archive"), "an open order holds something of it (R78)"
    ),
    **dict.fromkeys(("apartment-delete", "building-delete", "site-delete"), "somebody lives there (R78)"),
    "library-retire": "a MAC in use stays (R72)",
    "sheet-changes": "a sheet that is sent as it stands changes nothing; tests/portal/sheet/test_editing.py changes it",
}


@dataclass(frozen=True)
class Reach:
    """What a person has, the first holding preferred, and what lies beyond; kinds narrow a holding down."""

    own: tuple[str, ...]
    beyond: tuple[tuple[str, tuple[str, ...] | None], ...]
    estates: tuple[str, ...]  # whose sites are seen
    hidden: tuple[str, ...]  # marks that may never be seen
    hidden_macs: tuple[str, ...] = ()


def _all(*names: str) -> tuple[tuple[str, None], ...]:
    return tuple((name, None) for name in names)


OF_SITES = (
    "site",
    "building",
    "apartment",
    "resident",
    "device",
    "equipment",
    "commercial",
    "account",
    "house",
    "entitlement",
)
TREE_A, TREE_B = ("hafen", "pine", "norden"), ("zephyr",)
OTHER_TREE = {"zephyr", "mallory", "igor"}
REACHES: dict[str, Reach] = {
    "olga": Reach(("hafen", "dora", "zephyr"), (), (*TREE_A, *TREE_B), ()),
    # A cart is the matter of one organization, whoever else could see its items.
    "dora": Reach(("hafen", "dora"), (("ivan", ("cart",)), *_all("zephyr", "mallory")), TREE_A, ("zephyr",), ("zephyr",)),
    "sam": Reach(
        ("norden", "sam"), _all("hafen", "dora", "zephyr"), ("norden",), ("hafen", "pine", "zephyr"), ("hafen", "pine", "zephyr")
    ),
    # What Dora pays for Ivan's sites he may look at; her cards and her selection he may not.
    "ivan": Reach(
        ("ivan", "hafen"),
        (("dora", ("cart", "method")), *_all("norden", "sam", "zephyr", "mallory")),
        ("hafen", "pine"),
        ("norden", "zephyr"),
        ("norden", "zephyr"),
    ),
    # The library is the firm's, so MACs of other sites of the firm are no secret from its technicians.
    "tess": Reach(("hafen",), (("pine", OF_SITES), *_all("norden", "zephyr")), ("hafen",), ("pine", "norden", "zephyr"), ("norden", "zephyr")),
    "petra": Reach(
        ("hafen", "dora"), _all("pine", "norden", "sam", "zephyr", "mallory"), ("hafen",),
        ("pine", "norden", "zephyr"), ("pine", "norden", "zephyr"),
    ),
    "mallory": Reach(("zephyr", "mallory"), _all("hafen", "dora"), TREE_B, (*TREE_A, "nordlys"), TREE_A),
    "igor": Reach(("igor", "zephyr"), (("mallory", ("cart", "method")), *_all("hafen", "ivan")), TREE_B, (*TREE_A, "nordlys"), TREE_A),
    "paul": Reach(("zephyr", "mallory"), _all("hafen", "dora"), TREE_B, (*TREE_A, "nordlys"), TREE_A),
}  # fmt: skip

# Whose long jobs a person may not know of: of the same tree, and of the other. The operator sees all.
JOBS_BEYOND = {
    "dora": ("ivan", "mallory"), "sam": ("dora", "mallory"), "ivan": ("dora", "igor"), "tess": ("ivan", "igor"), "petra": ("ivan", "igor"),
    "mallory": ("igor", "dora"), "igor": ("mallory", "ivan"), "paul": ("igor", "dora"),
}  # fmt: skip
for _name, _reach in REACHES.items():
    _beyond = _all(*(f"jobs of {other}" for other in JOBS_BEYOND.get(_name, ())))
    REACHES[_name] = replace(_reach, own=(*_reach.own, f"jobs of {_name}"), beyond=(*_reach.beyond, *_beyond))

# Own addresses that may answer otherwise to an empty form.
PLEAS = {
    "switch-membership": {404},  # without a number there is no such membership
    "settings-session-end": {404},  # nor such a device
    "settings-token-revoke": {404},  # nor such a token
    "user-new": {404},  # nobody adds a user of no kind; the kinds are below
    "subscription-sites": {404},  # nor are there sites of no installer
    "renew-again": {404},  # nor items of no number
    "handover-print": {404},  # nor a label before the site is the own one
    "handover-withdraw": {403},  # who is offered a site refuses it; the offer is withdrawn by who made it
    "site-pms-enable": {404},  # nor a connection of this site
    "site-pms-revoke": {404},
    "apartment-list": {301},  # an address of earlier days
}
# Addresses that show another form for each word in their query; a role that may not use a word is answered 404.
QUERIES = {
    "site-detail": ["edit=1"],
    "user-new": [f"kind={kind}" for kind in ("distributor", "subdistributor", "installer", "manager", "technician", "colleague")],
}  # fmt: skip
# What the API may answer to the own token as well: nobody lends a scope that it has not.
API_PLEAS = {("tess", "orders"): {403}, ("tess", "order"): {403}}
# Calls of the API that send, with a token that belongs to no person: those of people open nothing there.
API_SENT = {"pms-residents"}
# Public pages that may say they are not well.
UNWELL = {
    "readyz": {503},
    "webhook": {400},
    "invitation": {410},
    "join": {410},
    "join-confirm": {410},
    "seller-logo": {404},
    "mail-mute": {410},
    "sign-in-pass": {410},
    "address-confirm": {410},
}


def words_hidden_from(person: str) -> list[str]:
    """In lower case, what no answer to this person may contain."""
    reach = REACHES[person]
    macs = [MACS[name].lower() for name in reach.hidden_macs]
    return [
        *(MARKS[name].lower() for name in reach.hidden),
        *macs,
        *(":".join(mac[i : i + 2] for i in range(0, 8, 2)) for mac in macs),
    ]
