"""What the audit has to say of each action, and how the values in it read in the rows themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db import models

from accounts import audit
from accounts.actions import (
    addresses,
    invitations,
    long_jobs,
    mail_state,
    members,
    notices,
    organizations,
    profile,
    revocation,
    seller,
    sessions,
    terms,
    tokens,
    two_factor,
)
from accounts.models import AuditEvent
from communities.actions import (
    apartments,
    archives,
    assignments,
    commercial_accounts,
    equipment,
    households,
    moving,
    pms,
    registrations,
    residents,
    sites,
)
from communities.models import Apartment, Building, ManagerAssignment, Site, TechnicianAssignment
from devices.actions import bulk, import_writing, library, monitors, registration, sheet
from devices.addresses import Mac
from payments.actions import billing, methods
from payments.models import PaymentMethod
from subscriptions.actions import (
    auto_renewals,
    cards,
    handing_over,
    handovers,
    leaving,
    opening,
    prices,
    request_decisions,
    requests,
    reviews,
    tenancy,
    transitions,
)
from tests.flows.tenants import project_models
from tests.people import NOW

MODELS: dict[str, type[models.Model]] = {model._meta.model_name or "": model for model in project_models()}
Row = dict[str, Any]
NOT_OF_THE_ROW = object()

# Word → times; None in the audit, with why.
SILENT_ROWS = {
    "drafts.start_draft": "a draft is no site: the site that is made of it is written down",
    "imports.start_import": "a file that is checked changes nothing; what is written of it is written down",
    **dict.fromkeys(
        ("imports.correct_import", "imports.begin_import", "imports.discard_import", "imports.note_job"),
        "as start_import",
    ),
    "drafts.save_draft": "as start_draft",
    "drafts.copy_site": "as start_draft",
    "drafts.delete_draft": "as start_draft",
    "carts.fill_cart": "a cart holds nothing and fixes no price; its order is written down",
    "carts.change_term": "as fill_cart",
    "terms.discard_draft": "there is none to discard in the table; done once more in further.py",
    "known_logins.deactivate_logins": "nobody has these addresses; done once more in further.py",
    "cards.start_card_setup": "opens the gateway's page; what is stored there is written down",
    "orders.start_payment": "opens the gateway's page; the order's own timeline says so",
    "returns.check": "asks the gateway; what comes of it is written down",
}
TWO_LEFT = (households.RESIDENT_LEFT,) * 2  # as many as live in the apartment
WORDS: dict[str, tuple[audit.Word, ...]] = {
    "addresses.ask_for_address": (addresses.ADDRESS_ASKED,),
    "addresses.withdraw_address": (addresses.ADDRESS_WITHDRAWN,),
    "profile.edit_profile": (profile.PROFILE_CHANGED,),
    "profile.change_password": (profile.PASSWORD_CHANGED, revocation.TOKEN_REVOKED),
    "notices.choose_topics": (notices.NOTIFICATIONS_CHANGED,),
    "sessions.end_session": (sessions.SESSION_ENDED,),
    "sessions.end_other_sessions": (sessions.SESSION_ENDED, revocation.TOKEN_REVOKED),
    "two_factor.switch_two_factor_on": (two_factor.SWITCHED_ON,),
    "two_factor.switch_two_factor_off": (two_factor.SWITCHED_OFF,),
    "two_factor.renew_recovery_codes": (two_factor.CODES_RENEWED,),
    "tokens.create_token": (tokens.TOKEN_CREATED,),
    "tokens.revoke_token": (revocation.TOKEN_REVOKED,),
    "addresses.ask_for_address_of": (addresses.MEMBER_ADDRESS_ASKED,),
    "addresses.withdraw_address_of": (addresses.MEMBER_ADDRESS_WITHDRAWN,),
    "invitations.invite": (invitations.MEMBER_INVITED,),
    "invitations.resend_invitation": (invitations.INVITED_AGAIN,),
    "invitations.cancel_invitation": (invitations.INVITATION_CANCELLED,),
    "members.edit_member": (members.RIGHTS_SET,),
    "members.set_member_active": (members.MEMBER_DEACTIVATED,),
    "two_factor.reset_two_factor": (two_factor.TWO_FACTOR_RESET, revocation.TOKEN_REVOKED),
    "notices.send_again": (notices.NOTICE_SENT_AGAIN,),
    "organizations.create_organization": (organizations.ORGANIZATION_CREATED,),
    "organizations.edit_organization": (organizations.ORGANIZATION_CHANGED,),
    "firms.add_firm": (organizations.ORGANIZATION_CREATED, invitations.MEMBER_INVITED),
    "organizations.edit_organization:permissions": (organizations.ORGANIZATION_CHANGED, organizations.PERMISSIONS_SET),
    "organizations.set_permissions": (organizations.PERMISSIONS_SET,),
    "organizations.set_organization_active": (organizations.ORGANIZATION_DEACTIVATED,),
    "seller.publish": (seller.SELLER_PUBLISHED,),
    "long_jobs.start_job": (long_jobs.JOB_STARTED,),
    "long_jobs.cancel_job": (long_jobs.JOB_CANCELLED,),
    "mail_state.send_test": (mail_state.MAIL_TESTED,),
    "terms.save_draft": (terms.TEXT_DRAFTED,),
    "terms.publish": (terms.TEXT_PUBLISHED,),
    "sites.create_community": (sites.SITE_CREATED,),
    "sites.edit_site": (sites.SITE_CHANGED,),
    "sites.add_building": (sites.BUILDING_CREATED,),
    "sites.rename_building": (sites.BUILDING_RENAMED,),
    "apartments.create_apartment": (apartments.APARTMENT_CREATED,),
    "apartments.change_apartment": (apartments.APARTMENT_CHANGED,),
    "archives.archive_apartment": (archives.APARTMENT_ARCHIVED,),
    "archives.archive_building": (archives.BUILDING_ARCHIVED,),
    "archives.archive_site": (archives.SITE_ARCHIVED,),
    "archives.restore_apartment": (archives.APARTMENT_RESTORED,),
    "archives.restore_building": (archives.BUILDING_RESTORED,),
    "archives.restore_site": (archives.SITE_RESTORED,),
    "archives.delete_apartment": (archives.APARTMENT_DELETED,),
    "archives.delete_building": (archives.BUILDING_DELETED,),
    "archives.delete_site": (archives.SITE_DELETED,),
    "residents.add_resident": (residents.RESIDENT_ADDED,),
    "residents.edit_resident": (residents.RESIDENT_CHANGED,),
    "registrations.make_code": (registrations.CODE_MADE,),
    "registrations.make_codes": (
        registrations.CODES_MADE,
        *(registrations.CODE_MADE,) * 7,
    ),  # one for each household of the building
    "registrations.revoke_code": (registrations.CODE_REVOKED,),
    "pms.connect": (pms.CONNECTED,),
    "pms.enable": (pms.ENABLED,),
    "pms.renew_token": (pms.RENEWED,),
    "pms.revoke": (pms.REVOKED,),
    "residents.remove_resident": (residents.RESIDENT_REMOVED,),
    "equipment.add_equipment": (equipment.ADDED,),
    "equipment.edit_equipment": (equipment.CHANGED,),
    "equipment.move_equipment": (equipment.MOVED,),
    "equipment.archive_equipment": (equipment.ARCHIVED,),
    "equipment.restore_equipment": (equipment.RESTORED,),
    "equipment.remove_equipment": (equipment.REMOVED,),
    "equipment_devices.add_equipment": (equipment.ADDED, registration.DEVICE_REGISTERED),
    "equipment_devices.edit_equipment": (equipment.CHANGED,),
    "equipment_devices.move_equipment": (equipment.MOVED,),
    "equipment_devices.archive_equipment": (equipment.ARCHIVED,),
    "equipment_devices.restore_equipment": (equipment.RESTORED,),
    "equipment_devices.remove_equipment": (equipment.REMOVED,),
    "houses.create_house": (sites.SITE_CREATED, apartments.APARTMENT_CREATED),
    "houses.change_house": (sites.SITE_CHANGED, apartments.APARTMENT_CHANGED),
    "houses.add_house": (sites.SITE_CREATED, apartments.APARTMENT_CREATED),
    "houses.edit_house": (sites.SITE_CHANGED, apartments.APARTMENT_CHANGED),
    "commercial.create_commercial": (sites.SITE_CREATED,),
    "commercial.edit_commercial": (sites.SITE_CHANGED,),
    "commercial_accounts.add_account": (commercial_accounts.ADDED,),
    "commercial_accounts.edit_account": (commercial_accounts.CHANGED,),
    "commercial_accounts.switch_intercoms": (commercial_accounts.SWITCHED, commercial_accounts.CHANGED),
    "commercial_accounts.archive_account": (commercial_accounts.ARCHIVED,),
    "commercial_accounts.restore_account": (commercial_accounts.RESTORED,),
    "commercial_accounts.remove_account": (commercial_accounts.REMOVED,),
    "moving.make_master": (households.MASTER_SET,),
    "moving.accept_resident": (households.RESIDENT_ADMITTED,),
    "moving.move_resident": (moving.RESIDENT_MOVED,),
    "moving.move_out": (moving.HOUSEHOLD_LEFT, *TWO_LEFT),
    "moving.move_out:later": (moving.HOUSEHOLD_LEAVES,),
    "moving.move_in": (
        moving.HOUSEHOLD_LEFT,
        *TWO_LEFT,
        moving.HOUSEHOLD_ARRIVED,
        residents.RESIDENT_ADDED,
    ),
    "assignments.set_managers": (assignments.MANAGERS_SET,),
    "assignments.set_technicians": (assignments.TECHNICIANS_SET,),
    "assignments.set_sites_of": (assignments.SITES_SET, *(assignments.TECHNICIANS_SET,) * 3),  # of as many sites
    "assignments.set_people": (assignments.MANAGERS_SET, assignments.TECHNICIANS_SET),
    "apartments.add_apartment": (apartments.APARTMENT_CREATED,),
    "apartments.edit_apartment": (apartments.APARTMENT_CHANGED,),
    "structures.create_site": (
        sites.SITE_CREATED,
        sites.BUILDING_CREATED,
        apartments.APARTMENT_CREATED,
        residents.RESIDENT_ADDED,
        registration.DEVICE_REGISTERED,
    ),
    "structures.add_building": (sites.BUILDING_CREATED, apartments.APARTMENT_CREATED),
    "import_writing.write_rows": (
        import_writing.APARTMENTS_IMPORTED,
        apartments.APARTMENT_CREATED,
        residents.RESIDENT_ADDED,
        registration.DEVICE_REGISTERED,
    ),
    "bulk.apply_bulk_change": (bulk.BULK_APPLIED, apartments.APARTMENT_CHANGED, registration.DEVICE_REGISTERED),
    "bulk.undo_bulk_change": (bulk.BULK_UNDONE, apartments.APARTMENT_CHANGED),
    "sheet.apply_sheet": (
        sheet.SHEET_APPLIED,
        apartments.APARTMENT_CHANGED,
        apartments.APARTMENT_CREATED,
        residents.RESIDENT_CHANGED,
        residents.RESIDENT_ADDED,
        registration.DEVICE_REGISTERED,
    ),
    "sheet.apply_sheet:masters": (sheet.SHEET_APPLIED, residents.RESIDENT_CHANGED),
    "library.add_to_library": (library.LIBRARY_ADDED, library.ENTRY_ADDED),
    "library.assign_library_entry": (library.ENTRY_ASSIGNED,),
    "library.retire_library_entry": (library.ENTRY_RETIRED,),
    "monitors.add_monitor": (registration.DEVICE_REGISTERED,),
    "monitors.rename_device": (monitors.DEVICE_RENAMED,),
    "monitors.remove_device": (monitors.DEVICE_REMOVED,),
    "monitors.swap_device": (monitors.DEVICE_SWAPPED,),
    "billing.save_billing": (billing.BILLING_CREATED,),
    "methods.remove_method": (methods.METHOD_REMOVED,),
    "auto_renewals.stop_auto_renewal": (auto_renewals.AUTO_RENEWAL_ENDED,),
    "leaving.take_out": (leaving.ITEMS_TAKEN_OUT, auto_renewals.AUTO_RENEWAL_ENDED),
    "leaving.bring_back": (leaving.ITEMS_BACK,),
    "cards.change_card": (cards.CARD_CHANGED,),
    "cards.remove_card": (methods.METHOD_REMOVED, auto_renewals.AUTO_RENEWAL_ENDED),
    "orders.place_order:invoice": (billing.BILLING_CHANGED, opening.ORDER_CREATED),
    "orders.place_order": (opening.ORDER_CREATED,),
    "extending.place_extension": (opening.ORDER_CREATED,),
    "orders.cancel_order": (transitions.ORDER_CANCELLED,),
    "prices.publish_price_list": (prices.PRICES_PUBLISHED,),
    "requests.request_activation": (requests.REQUEST_MADE,),
    "requests.request_upgrade": (requests.REQUEST_MADE,),
    "request_decisions.approve": (request_decisions.REQUEST_APPROVED,),
    "request_decisions.refuse": (request_decisions.REQUEST_REFUSED,),
    "request_decisions.withdraw": (request_decisions.REQUEST_WITHDRAWN,),
    "reviews.record_duplicate_repaid": (reviews.DUPLICATE_REPAID,),
    "reviews.resolve": (reviews.ORDER_REVIEWED,),
    "handovers.ask": (handovers.HANDOVER_ASKED,),
    "handovers.withdraw": (handovers.HANDOVER_WITHDRAWN,),
    "handovers.refuse": (handovers.HANDOVER_REFUSED,),
    "handing_over.accept": (handing_over.SITE_RECEIVED, handing_over.SITE_GIVEN),
    "tenancy.move_installer": (tenancy.INSTALLER_MOVED,),
}

ON_BOTH_SIDES = {"handovers.ask", "handovers.withdraw", "handovers.refuse"}  # each installer has a row of its own

# Columns that no reader asks for: counters, keys of search, what follows from a column that is told, and what a column of its own tells.
QUIET = {
    "version", "updated_at", "name_key", "number_key", "email_key", "name_order", "number_order", "floor_order", "search_key",
    "invited_order", "invited_search", "note_key", "next_due_at", "claimed_until", "claim_key", "closed_at",
    "next_try_at", "ended_at", "tries", "last_seen_at", "path", "parent_id", "subdistributor_id",
}  # fmt: skip
QUIET_OF: dict[str, set[str]] = {
    "autorenewal": {
        "reason",
        "reason_detail",
        "method_id",
        "renewals_left",
        "renewal_id",
    },  # `reason` and `card` say it in words
    "renewalrequest": {"cart_id", "decided_by_id", "decided_at"},  # the row says who did it and when
    "apartmentimport": {"event_id"},  # the row itself
    "notice": {"state"},  # the word says it
    "device": {"library_entry_id", "removed_at"},  # the MAC says it
    "equipment": {"archived_at", "building_id", "apartment_id"},  # the word says it, and `place` where it is
    "commercialaccount": {"archived_at"},  # the word says it
    "pmsconnection": {
        "revoked_at",
        "enabled_at",
        "enabled_by_id",
        "digest",
        "first_synced_at",
        "last_synced_at",
        "last_counts",
    },  # the word says it
    "apitoken": {"revoked_at", "revoked_for"},
    "membership": {"joined_at"},  # the word says it
    "user": {"two_factor_at", "confirmed_at", "password_at"},
    "payment": {"captured_minor", "state", "gateway_payment_ref"},
    "paymentmethod": {"failed_at", "detached_at"},
    "order": {"auto_renew"},
    "handover": {"decided_by_id", "decided_at", "expires_at", "counts"},
    "resident": {
        "is_master",
        "apartment_id",
        "becomes_master",
        "is_accepted",
        "left_at",
        "lease_from",
        "lease_until",
    },  # `master` and `apartment` say it, the word, or the row of the household
}
NOT_YET = {
    addresses.ADDRESS_ASKED.code,
    addresses.ADDRESS_WITHDRAWN.code,
}  # the address changes by the link of a mail only
PLACED = {"site", "building", "apartment", "resident", "device", "equipment", "commercialaccount"}


def of_row(name: str) -> dict[audit.Word, int]:
    """The words of a row of the table, with how often; an action that is in neither list is red."""
    head = name.partition(":")[0]
    if head in SILENT_ROWS:
        return {}
    times = 2 if head in ON_BOTH_SIDES else 1
    return {word: n * times for word, n in Counter(WORDS.get(name, WORDS[head])).items()}


def _managers(event: AuditEvent, table: dict[str, Any]) -> dict[str, Any]:
    rows = table[ManagerAssignment._meta.db_table].values()
    return {str(row["membership_id"]): row["pm_app"] for row in rows if row["site_id"] == event.subject_id}


def _technicians(event: AuditEvent, table: dict[str, Any]) -> list[int]:
    """Those of the people it tells of who are there on this side."""
    rows = table[TechnicianAssignment._meta.db_table].values()
    there = {row["membership_id"] for row in rows if row["site_id"] == event.subject_id}
    return sorted(there & {*event.before["technicians"], *event.after["technicians"]})


def _place(row: Row, table: dict[str, Any]) -> str:
    if row["apartment_id"] is None:
        building = row["building_id"]
        of_site = "" if "archived_at" in row else table[Site._meta.db_table][row["site_id"]]["name"]
        return table[Building._meta.db_table][building]["name"] if building else of_site
    flat = table[Apartment._meta.db_table][row["apartment_id"]]
    return f"{table[Building._meta.db_table][flat['building_id']]['name']} {flat['number']}"


def _card(row: Row, table: dict[str, Any]) -> str:
    return PaymentMethod(**table[PaymentMethod._meta.db_table][row["method_id"]]).label


# (subject, field) → the value as the rows of one side have it: (event, row, all tables of that side) → value
READ: dict[tuple[str, str], Callable[[AuditEvent, Row, dict[str, Any]], Any]] = {
    ("servicechange", "undoes"): lambda e, row, t: row["undoes_id"],
    ("apartmentimport", "file"): lambda e, row, t: row["name"],
    ("apitoken", "revoked"): lambda e, row, t: row["revoked_at"] is not None,
    ("membership", "technician"): lambda e, row, t: row["is_technician"],
    ("membership", "grants"): lambda e, row, t: sorted(name for name in members.GRANTS if row[name]),
    ("textversion", "version"): lambda e, row, t: row["number"],
    ("user", "on"): lambda e, row, t: row["two_factor_at"] is not None,
    ("membership", "on"): lambda e, row, t: t["accounts_user"][row["user_id"]]["two_factor_at"] is not None,
    ("apartment", "building"): lambda e, row, t: t[Building._meta.db_table][row["building_id"]]["name"],
    ("device", "mac"): lambda e, row, t: str(Mac(row["mac"])),
    ("device", "apartment"): lambda e, row, t: _place(row, t),
    ("device", "place"): lambda e, row, t: _place(row, t),
    ("equipment", "place"): lambda e, row, t: _place(row, t),
    ("commercialaccount", "account"): lambda e, row, t: row["kind"],
    ("site", "technicians"): lambda e, row, t: _technicians(e, t),
    ("organization", "under"): lambda e, row, t: row["parent_id"],
    ("organization", "subdistributor"): lambda e, row, t: row["subdistributor_id"],
    ("resident", "master"): lambda e, row, t: row["is_master"],
    ("resident", "apartment"): lambda e, row, t: _place(row, t),
    ("order", "items"): lambda e, row, t: row["line_count"],
    ("autorenewal", "card"): lambda e, row, t: _card(row, t),
    ("autorenewal", "reason"): lambda e, row, t: {"code": row["reason"], **row["reason_detail"]},
    ("autorenewal", "renewals"): lambda e, row, t: row["renewals_left"],
    ("payment", "payment_ref"): lambda e, row, t: row["gateway_payment_ref"],
    ("renewalrequest", "items"): lambda e, row, t: sum(
        item["request_id"] == row["id"] for item in t["subscriptions_requestitem"].values()
    ),
}  # fmt: skip
# Told beside the rows: what was typed, counted or is the cause; each with where it is proven or why it has no row.
TOLD = {
    ("order", "reason"), ("device", "reason"), ("apitoken", "revoked_for"), ("user", "fields"), ("user", "sessions"), ("user", "tokens"),
    ("user", "codes"), ("user", "topics"), ("membership", "fields"), ("membership", "tokens"), ("resident", "fields"),
    ("billingprofile", "fields"), ("organization", "macs"), ("membership", "sites"), ("organization", "installer_id"), ("organization", "rows"),
    ("organization", "auto_renewals_ended"), ("textdraft", "languages"), ("textversion", "languages"), ("renewalrequest", "left_out"),
    ("renewalrequest", "order"), ("autorenewal", "order"), ("site", "order"), ("site", "landline_off_in"), ("autorenewal", "items"),
    ("autorenewal", "switched_off"), ("autorenewal", "archived"), ("autorenewal", "lapsed"),
    ("paymentmethod", "consent_by"), ("paymentmethod", "consent_text"),
    ("building", "apartments"), ("site", "apartments"), ("payment", "reason"), ("sellerversion", "logo"), ("pricelist", "valid_from"),
    ("handover", "installer_id"), ("site", "rows"), ("autorenewal", "handed_over"),
    ("site", "on"), ("site", "off"), ("commercialaccount", "fields"), ("building", "codes"),
    ("apartment", "people"), ("apartment", "on"), ("site", "count"), ("site", "added"), ("apartmentimport", "count"),
    ("pmsconnection", "created"), ("pmsconnection", "updated"),
}  # fmt: skip


def value(event: AuditEvent, field: str, row: Row | None, tables: dict[str, Any]) -> Any:
    """What the rows of one side say for a field of an audit row; NOT_OF_THE_ROW where no row does."""
    kind = event.subject_type
    if (event.action, field) == (
        reviews.DUPLICATE_REPAID.code,
        "payment_ref",
    ):  # of the gateway's other payment: the order's timeline has it
        return NOT_OF_THE_ROW
    if (kind, field) in READ:
        return READ[kind, field](event, row, tables) if row is not None else None
    if event.action == assignments.MANAGERS_SET.code:
        return _managers(event, tables).get(field)
    if (kind, field) in TOLD or (kind == "pricelist" and "/" in field):
        return NOT_OF_THE_ROW
    assert row is None or field in row, (
        f"{kind}.{field} is no column: add it to READ or TOLD in tests/permissions/words.py"
    )
    return None if row is None else audit.fields_of(_Fields(row), [field])[field]  # type: ignore[arg-type]


class _Fields:
    def __init__(self, row: Row) -> None:
        self.__dict__.update(row)


def silent(event: AuditEvent, was: Row | None, became: Row | None) -> Iterator[str]:
    """Columns of a row that changed without a word."""
    if was is None or became is None:
        return
    told = {*event.before, *event.after}
    changed = {name for name in was if was[name] != became[name]} - QUIET - QUIET_OF.get(event.subject_type, set())
    if "fields" in event.after:
        if event.action not in NOT_YET and changed != set(event.after["fields"]) & set(was):
            yield f"{event.action} names {event.after['fields']}, changed are {sorted(changed)}"
    elif changed - told:
        yield f"{event.action} keeps silent about {sorted(changed - told)}"


def elsewhere(event: AuditEvent, row: Row) -> Iterator[str]:
    """Whether it stands where the row belongs: at its site and with its tenant's keys."""
    if event.subject_type not in PLACED:
        return
    site_id = row["id"] if event.subject_type == "site" else row["site_id"]
    said = (event.site_id, event.installer_id, event.subdistributor_id, event.distributor_id)
    if said != (site_id, row["installer_id"], row["subdistributor_id"], row["distributor_id"]):
        yield f"{event.action} stands at {said}"
    if event.at < NOW:
        yield f"{event.action} has another time"
