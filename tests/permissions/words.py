"""What the audit has to say of each action, and how the values in it read in the rows themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import models

from accounts import audit
from accounts.actions import members
from accounts.models import AuditEvent
from communities.models import Apartment, Building, ManagerAssignment, TechnicianAssignment
from devices.mac import Mac
from payments.models import PaymentMethod
from tests.flows.tenants import project_models
from tests.people import NOW

MODELS: dict[str, type[models.Model]] = {model._meta.model_name or "": model for model in project_models()}
Row = dict[str, Any]
NOT_OF_THE_ROW = object()

# Word → times; None in the audit, with why.
SILENT_ROWS = {
    "carts.fill_cart": "a cart holds nothing and fixes no price; its order is written down",
    "carts.change_term": "as fill_cart",
    "terms.discard_draft": "there is none to discard in the table; done once more in further.py",
    "known_logins.deactivate_logins": "nobody has these addresses; done once more in further.py",
    "cards.start_card_setup": "opens the gateway's page; what is stored there is written down",
    "orders.start_payment": "opens the gateway's page; the order's own story says so",
    "returns.check": "asks the gateway; what comes of it is written down",
}
WORDS: dict[str, tuple[str, ...]] = {
    "addresses.ask_for_address": ("address.asked",),
    "addresses.withdraw_address": ("address.withdrawn",),
    "sessions.end_session": ("session.ended",),
    "sessions.end_other_sessions": ("session.ended", "token.revoked"),
    "two_factor.switch_two_factor_on": ("two_factor.on",),
    "two_factor.switch_two_factor_off": ("two_factor.off",),
    "two_factor.renew_recovery_codes": ("two_factor.codes_renewed",),
    "tokens.create_token": ("token.created",),
    "tokens.revoke_token": ("token.revoked",),
    "addresses.ask_for_address_of": ("member.address_asked",),
    "addresses.withdraw_address_of": ("member.address_withdrawn",),
    "invitations.invite": ("member.invited",),
    "invitations.resend_invitation": ("member.invited_again",),
    "invitations.cancel_invitation": ("member.invitation_cancelled",),
    "members.edit_member": ("member.rights_set",),
    "members.set_member_active": ("member.deactivated",),
    "two_factor.reset_two_factor": ("two_factor.reset", "token.revoked"),
    "notices.send_again": ("notice.sent_again",),
    "organizations.create_organization": ("organization.created",),
    "organizations.edit_organization": ("organization.changed",),
    "organizations.set_permissions": ("organization.permissions_set",),
    "organizations.set_organization_active": ("organization.deactivated",),
    "seller.publish": ("seller.published",),
    "mail_state.send_test": ("mail.tested",),
    "terms.save_draft": ("text.drafted",),
    "terms.publish": ("text.published",),
    "sites.create_community": ("site.created",),
    "sites.edit_site": ("site.changed",),
    "sites.add_building": ("building.created",),
    "sites.rename_building": ("building.renamed",),
    "apartments.create_apartment": ("apartment.created",),
    "apartments.change_apartment": ("apartment.changed",),
    "people.add_resident": ("resident.added",),
    "people.edit_resident": ("resident.changed",),
    "people.remove_resident": ("resident.removed",),
    "people.set_managers": ("site.managers_set",),
    "people.set_technicians": ("site.technicians_set",),
    "people.set_sites_of": ("site.technicians_set",),
    "apartments.add_apartment": ("apartment.created",),
    "apartments.edit_apartment": ("apartment.changed",),
    "library.add_to_library": ("library.added",),
    "library.assign_library_entry": ("library.assigned",),
    "library.retire_library_entry": ("library.retired",),
    "monitors.add_monitor": ("device.registered",),
    "monitors.rename_device": ("device.renamed",),
    "monitors.remove_device": ("device.removed",),
    "monitors.swap_device": ("device.swapped",),
    "billing.save_billing": ("billing.created",),
    "methods.remove_method": ("payment_method.removed",),
    "agreements.stop_agreement": ("agreement.ended",),
    "cards.change_card": ("agreement.card_changed",),
    "cards.remove_card": ("payment_method.removed", "agreement.ended"),
    "orders.place_order": ("order.created",),
    "extending.place_extension": ("order.created",),
    "orders.cancel_order": ("order.cancelled",),
    "prices.publish_price_list": ("price_list.published",),
    "requests.request_activation": ("request.made",),
    "requests.request_upgrade": ("request.made",),
    "requests.approve": ("request.approved",),
    "requests.refuse": ("request.refused",),
    "requests.withdraw": ("request.withdrawn",),
    "reviews.resolve": ("order.judged",),
    "tenancy.move_installer": ("organization.moved",),
}

# Columns that no reader asks for: counters, keys of search, what follows from a column that is told, and what a column of its own tells.
QUIET = {
    "version", "updated_at", "name_key", "number_key", "email_key", "name_order", "number_order", "floor_order", "search_key",
    "invited_order", "invited_search", "note_key", "next_due_at", "claimed_until", "claim_key", "closed_at",
    "next_try_at", "ended_at", "tries", "last_seen_at", "path", "parent_id", "subdistributor_id",
}  # fmt: skip
QUIET_OF: dict[str, set[str]] = {
    "subscription": {
        "reason",
        "reason_detail",
        "method_id",
        "renewals_left",
        "renewal_id",
    },  # `reason` and `card` say it in words
    "renewalrequest": {"cart_id", "decided_by_id", "decided_at"},  # the row says who did it and when
    "notice": {"state"},  # the word says it
    "device": {"library_entry_id", "removed_at"},  # the MAC says it
    "apitoken": {"revoked_at", "revoked_for"},
    "membership": {"joined_at"},  # the word says it
    "user": {"two_factor_at", "confirmed_at", "password_at"},
    "payment": {"captured_minor", "state", "gateway_payment_ref"},
    "paymentmethod": {"failed_at", "detached_at"},
    "order": {"auto_renew"},
}
NOT_YET = {"address.asked", "address.withdrawn"}  # the address changes by the link of a mail only
PLACED = {"site", "building", "apartment", "resident", "device"}


def of_row(name: str) -> dict[str, int]:
    """The words of a row of the table, each once; an action that is in neither list is red."""
    head = name.partition(":")[0]
    if head in SILENT_ROWS:
        return {}
    return dict.fromkeys(WORDS.get(name, WORDS[head]), 1)


def _managers(event: AuditEvent, table: dict[str, Any]) -> dict[str, Any]:
    rows = table[ManagerAssignment._meta.db_table].values()
    return {str(row["membership_id"]): row["pm_app"] for row in rows if row["site_id"] == event.subject_id}


def _technicians(event: AuditEvent, table: dict[str, Any]) -> list[int]:
    rows = table[TechnicianAssignment._meta.db_table].values()
    return sorted(row["membership_id"] for row in rows if row["site_id"] == event.subject_id)


def _place(row: Row, table: dict[str, Any]) -> str:
    flat = table[Apartment._meta.db_table][row["apartment_id"]]
    return f"{table[Building._meta.db_table][flat['building_id']]['name']} {flat['number']}"


def _card(row: Row, table: dict[str, Any]) -> str:
    return PaymentMethod(**table[PaymentMethod._meta.db_table][row["method_id"]]).label


# (subject, field) → the value as the rows of one side have it: (event, row, all tables of that side) → value
READ: dict[tuple[str, str], Callable[[AuditEvent, Row, dict[str, Any]], Any]] = {
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
    ("site", "technicians"): lambda e, row, t: _technicians(e, t),
    ("organization", "under"): lambda e, row, t: row["parent_id"],
    ("organization", "subdistributor"): lambda e, row, t: row["subdistributor_id"],
    ("resident", "master"): lambda e, row, t: row["is_master"],
    ("order", "items"): lambda e, row, t: row["line_count"],
    ("subscription", "card"): lambda e, row, t: _card(row, t),
    ("subscription", "reason"): lambda e, row, t: {"code": row["reason"], **row["reason_detail"]},
    ("subscription", "renewals"): lambda e, row, t: row["renewals_left"],
    ("payment", "payment_ref"): lambda e, row, t: row["gateway_payment_ref"],
    ("renewalrequest", "items"): lambda e, row, t: sum(
        item["request_id"] == row["id"] for item in t["subscriptions_requestitem"].values()
    ),
}  # fmt: skip
# Told beside the rows: what was typed, counted or is the cause; each with where it is proven or why it has no row.
TOLD = {
    ("order", "reason"), ("device", "reason"), ("apitoken", "revoked_for"), ("user", "fields"), ("user", "sessions"), ("user", "tokens"),
    ("user", "codes"), ("user", "topics"), ("membership", "fields"), ("membership", "tokens"), ("resident", "fields"),
    ("billingprofile", "fields"), ("organization", "macs"), ("organization", "installer_id"), ("organization", "rows"),
    ("organization", "auto_renewals_ended"), ("textdraft", "languages"), ("textversion", "languages"), ("renewalrequest", "left_out"),
    ("renewalrequest", "order"), ("subscription", "order"), ("site", "order"), ("site", "landline_off_in"), ("subscription", "items"),
    ("subscription", "switched_off"), ("subscription", "lapsed"), ("paymentmethod", "consent_by"), ("paymentmethod", "consent_text"),
    ("sellerversion", "logo"), ("pricelist", "valid_from"),
}  # fmt: skip


def value(event: AuditEvent, field: str, row: Row | None, tables: dict[str, Any]) -> Any:
    """What the rows of one side say for a field of an audit row; NOT_OF_THE_ROW where no row does."""
    kind = event.subject_type
    if (kind, field) in READ:
        return READ[kind, field](event, row, tables) if row is not None else None
    if event.action == "site.managers_set":
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
