"""Values before and after a change in words: the labels of the fields of audit rows, and what their values mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.sentences import Names, items, person
from accounts.models import AuditEvent, Kind, Topic
from accounts.models.tokens import RevokedFor
from communities import audit_sentences as of_communities
from communities import catalogue
from communities.actions import assignments
from devices.models import Status
from smartplus import vocabulary
from smartplus.portal.kit.day_tags import moment
from subscriptions import reasons
from subscriptions.audit_sentences import amount
from subscriptions.models import AutoRenewal, Order
from subscriptions.prices import PriceKey

ORDER_NUMBER = re.compile(r"\bSP-\d{6}-\w+")  # in a field of its own, or in the words of a reason
SHOWN = 20  # entries of a list that are spelled out
DASH = "–"

LABELS: dict[str, Promise] = {
    **of_communities.FIELDS, "language": _("Language"), "email": _("Email"), "mobile": _("Mobile"),
    "remark": _("Remark"), "password": _("Password"), "company": _("Company"), "tax_number": _("Tax number"),
    "apartment": _("Apartment"), "place": _("Place"), "mac": _("MAC"), "macs": _("MACs"), "model": _("Model"), "type": _("Type"),
    "reason": _("Reason"), "note": _("Note"), "status": _("Status"), "kind": _("Kind"), "installer_id": _("Installer"),
    "technician": _("Technician"), "is_technician": _("Technician"),
    "is_active": _("Active"), "fields": _("Changed"), "topics": _("Muted"), "grants": _("May"), "scopes": _("Scopes"),
    "pays_regular": _("May pay by card or PayPal"), "pays_credits": _("May pay with credits"), "sees_prices": _("Sees prices"),
    "sees_invoices": _("Sees invoices"), "gets_billing_mail": _("Receives billing mail"),
    "manages_subscriptions": _("Manages subscriptions"), "require_2fa": _("Two-factor demanded"), "on": _("Two-factor"),
    "total_minor": _("Total"), "captured_minor": _("Paid"), "currency": _("Currency"), "items": _("Items"), "months": _("Months"),
    "sites": _("Sites"), "order": _("Order"), "card": _("Card"), "renewals": _("Renewals"), "valid_from": _("Valid from"), "removed_at": _("Removed"),
    "includes_tax": _("Prices include tax (gross)"),
    "consent_by": _("Agreed by"), "consent_text": _("Version of the consent"), "sessions": _("Sessions"),
    "version": _("Version"), "languages": _("Languages"), "logo": _("Logo"),
    "switched_off": _("Switched off"), "archived": _("Archived"), "archived_at": _("Archived"),
    "apartments": _("Apartments"), "lapsed": _("Lapsed"), "handed_over": _("Handed over"),
    "revoked": _("Revoked"), "revoked_for": _("Because"), "codes": _("Recovery codes"), "tokens": _("Tokens revoked"),
    "parent": _("Belongs to"), "under": _("Belongs to"),
    "tries": _("Tries"), "next_try_at": _("Next try"),
    "subdistributor": _("Sub-distributor"), "rows": _("Moved along"), "auto_renewals_ended": _("Auto-renewals ended"),
}  # fmt: skip
ADDRESSED = frozenset({"site", "organization", "billingprofile"})  # rows whose `state` is part of an address
FIRMS = ("installer_id", "subdistributor", "under")  # fields whose value is the number of an organization
ROWS: dict[str, Promise] = {  # what went along with a moved installer or a site that was handed over, by the name of its table
    "site": _("Sites"), "building": _("Buildings"), "apartment": _("Apartments"), "resident": _("Residents"),
    "managerassignment": _("Property managers of sites"), "technicianassignment": _("Technicians of sites"),
    "entitlement": _("Services, with their paid time"), "device": _("Devices"), "libraryentry": _("MACs in the library"),
    "autorenewalitem": _("Items under auto-renewal"), "subscriptionitem": _("Items under auto-renewal"),
    "renewalrequest": _("Requests"), "target": _("Targets"),
}  # fmt: skip
TOLD_OF_MONEY = frozenset({"order", "payment"})  # rows whose reason names amounts
SWITCHED = frozenset({*catalogue.SWITCHES, "on", "require_2fa"})  # On and Off; what else is true or false is Yes and No
CHOICES: dict[tuple[str, str], Mapping[Any, Any]] = {  # (subject, field) → value → word
    ("libraryentry", "status"): dict(Status.choices),
    ("order", "state"): dict(Order.State.choices),
    ("autorenewal", "state"): dict(AutoRenewal.State.choices),
    ("subscription", "state"): {
        **dict(AutoRenewal.State.choices),
        "parked": AutoRenewal.State.SUSPENDED.label,
    },  # of before
    ("organization", "kind"): dict(Kind.choices),
    ("user", "topics"): dict(Topic.choices),
    ("apitoken", "revoked_for"): dict(RevokedFor.choices),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field: `before` and `after` in words, None if the change had no value there."""

    label: str
    before: str | None
    after: str | None


def lines(event: AuditEvent, names: Names) -> list[Line]:
    """The fields that changed, in the order they were written."""
    currency = str(event.after.get("currency") or names.currency)
    return [
        Line(
            _label(event, field, names),
            _word(event, field, event.before[field], names, currency) if field in event.before else None,
            _word(event, field, event.after[field], names, currency) if field in event.after else None,
        )
        for field in {**event.before, **event.after}
    ]


def unchanged(event: AuditEvent) -> int:
    """How many other fields the change compared and found equal; 0 if they were not counted."""
    word = vocabulary.BY_CODE.get(event.action)
    return max(0, (word.compares if word else 0) - len({**event.before, **event.after}))


def effect(event: AuditEvent, names: Names) -> str:
    """The change in a few words, for a row: an amount, a single field, or how many fields."""
    after = event.after
    if names.shows_amounts and "total_minor" in after and (currency := str(after.get("currency") or names.currency)):
        return amount(after["total_minor"], currency)
    word = vocabulary.BY_CODE.get(event.action)
    if word and word.effect:
        return word.effect(event, names)
    if not event.before:
        return _begun(event, names)
    changed = [line for line in lines(event, names) if line.before is not None] or lines(event, names)
    if len(changed) == 1:
        (line,) = changed
        return f"{line.label}: {line.before or DASH} → {line.after or DASH}"
    return ngettext("%(n)s field", "%(n)s fields", len(changed)) % {"n": len(changed)}


def _begun(event: AuditEvent, names: Names) -> str:
    """The words for something that is new: only the values worth a mention."""
    after = event.after
    if "mac" in after:
        return str(after["mac"])
    if how_many := items(event):
        return how_many
    return _word(event, "fields", after["fields"], names, "") if list(after) == ["fields"] else ""


def ids_in(event: AuditEvent) -> tuple[set[int], set[int]]:
    """The memberships and the organizations that the values name by number."""
    people: set[int] = set()
    for values in (event.before, event.after):
        if event.action == assignments.MANAGERS_SET.code:
            people |= {int(key) for key in values if key.isdecimal()}
        people |= {pk for pk in values.get("technicians", ()) if isinstance(pk, int)}
    firms = {values.get(field) for values in (event.before, event.after) for field in FIRMS}
    return people, {pk for pk in firms if isinstance(pk, int)}


def _label(event: AuditEvent, field: str, names: Names) -> str:
    if event.action == assignments.MANAGERS_SET.code:
        return person(field, names)
    if "/" in field:
        return PriceKey(*field.split("/")).label
    if field == "state" and event.subject_type not in ADDRESSED:
        return gettext("Status")
    return of_communities.label(event.subject_type, field) or _field_name(field)


def _field_name(field: str) -> str:
    if field in LABELS:
        return str(LABELS[field])
    if field in catalogue.BY_CODE:
        return str(catalogue.BY_CODE[field].label)
    return str(capfirst(field.removesuffix("_id").removesuffix("_minor").replace("_", " ")))


def _word(event: AuditEvent, field: str, value: Any, names: Names, currency: str) -> str:
    """A value as this reader may see it: without order numbers, if the reader may not see orders."""
    text = _as_read(event, field, value, names, currency)
    return text if names.shows_orders else ORDER_NUMBER.sub(gettext("Hidden"), text)


def _as_read(event: AuditEvent, field: str, value: Any, names: Names, currency: str) -> str:
    """A value as people read it."""
    if event.action == assignments.MANAGERS_SET.code and isinstance(value, bool):
        return gettext("With PM App") if value else gettext("Without PM App")
    if value is None or value in ("", [], {}):
        return DASH
    if isinstance(value, bool):
        return _switch(field, value)
    if isinstance(value, int):
        return _number(event, field, value, names, currency)
    if isinstance(value, list):
        return _listed([_entry(event, field, entry, names, currency) for entry in value])
    if isinstance(value, dict) and "code" in value:
        return reasons.words(value)
    if isinstance(value, dict):
        labels = {str(k): ROWS.get(str(k), "") if field == "rows" else "" for k in value}
        pairs = [f"{labels[k] or _field_name(k)}: {_word(event, k, v, names, currency)}" for k, v in value.items()]
        return _listed(pairs, "; ")
    text = str(value)
    if (
        field == "reason" and event.subject_type in TOLD_OF_MONEY and not names.shows_amounts
    ):  # says what money did not fit
        return gettext("Hidden")
    if (event.subject_type, field) in CHOICES:
        return str(CHOICES[event.subject_type, field].get(text, text))
    if field.endswith("_at") or field == "valid_from":
        return _instant(text)
    if field in {"type", "kind", "state"} and text.replace("_", "").isalpha() and text.islower():
        return str(capfirst(text.replace("_", " ")))
    return text


def _switch(field: str, value: bool) -> str:
    if field in SWITCHED:
        return gettext("On") if value else gettext("Off")
    return gettext("Yes") if value else gettext("No")


def _number(event: AuditEvent, field: str, value: int, names: Names, currency: str) -> str:
    if "/" in field or field.endswith("_minor"):
        if not names.shows_amounts:
            return gettext("Hidden")
        return amount(value, currency) if currency else str(value)
    if field.endswith("_off_in"):
        return ngettext("%(n)s apartment", "%(n)s apartments", value) % {"n": value}
    if field in FIRMS:
        return names.firms.get(value) or gettext("Organization %(n)s") % {"n": value}
    return str(value)


def _entry(event: AuditEvent, field: str, entry: Any, names: Names, currency: str) -> str:
    if field == "technicians":
        return person(str(entry), names)
    if field in {"fields", "grants"}:
        return _field_name(str(entry))
    return _word(event, field, entry, names, currency)


def _listed(entries: list[str], between: str = ", ") -> str:
    more = len(entries) - SHOWN
    text = between.join(entries[:SHOWN])
    return gettext("%(text)s and %(n)s more") % {"text": text, "n": more} if more > 0 else text


def _instant(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text
