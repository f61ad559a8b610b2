"""Sentences for changes of sites and apartments: services switched, people assigned, and the labels of fields."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from accounts.audit.sentences import Names, listed, person
from accounts.models import AuditEvent
from communities import catalogue

FIELDS: dict[str, Promise] = {
    "name": gettext_lazy("Name"), "street": gettext_lazy("Street"), "city": gettext_lazy("City"), "state": pgettext_lazy("address", "State"),
    "postal_code": gettext_lazy("Postal code"), "country": gettext_lazy("Country"), "time_zone": gettext_lazy("Time zone"),
    "free_members": gettext_lazy("Free family members"), "camera_residents": gettext_lazy("Residents may watch"),
    "camera_administrators": gettext_lazy("Administrators may watch"), "retention_days": gettext_lazy("Days that videos are kept"),
    "floor": gettext_lazy("Floor"), "number": gettext_lazy("Number"), "building": gettext_lazy("Building"),
    "monitor_pending": gettext_lazy("Monitor pending"), "master": gettext_lazy("Family master"), "technicians": gettext_lazy("Technicians"),
    "attendance_plan": gettext_lazy("Time Attendance Plan"), "payment_mode": gettext_lazy("Payment"), "maker": gettext_lazy("Make"),
    "model": gettext_lazy("Model"), "serial": gettext_lazy("Serial number"), "address": gettext_lazy("Address of the stream"),
    "viewers": gettext_lazy("Who may watch"), "place": gettext_lazy("Place"), "kind": gettext_lazy("Kind"), "intercom": gettext_lazy("Intercom"),
    "account": gettext_lazy("Account"), "price_class": gettext_lazy("Class"),
    "is_beyond_free": gettext_lazy("Members beyond the free number are accepted"), "created": gettext_lazy("Created"),
    "updated": gettext_lazy("Updated"),
    "landline_off_in": gettext_lazy("Landline switched off in"),
    "video_storage_off_in": gettext_lazy("Video Storage switched off in"),
    "stage": gettext_lazy("Status"), "apartment": gettext_lazy("Apartment"), "people": gettext_lazy("People"), "on": gettext_lazy("Last day"),
}  # fmt: skip
OF_APARTMENTS = ("apartment", "servicechange")  # what is about apartments, by its type
APARTMENT_FIELDS: dict[str, Promise] = {
    "indoor_monitor": gettext_lazy("With Indoor Monitor"),
    "landline": gettext_lazy("Landline"),
    "video_storage": gettext_lazy("Video Storage"),
}


def label(subject_type: str, field: str) -> str:
    """The label of a field of a site, an apartment or a bulk change; "" for other fields."""
    if subject_type in OF_APARTMENTS and field in APARTMENT_FIELDS:
        return str(APARTMENT_FIELDS[field])
    if (subject_type, field) == ("servicechange", "count"):
        return _("Apartments")
    return str(catalogue.BY_CODE[field].label if field in catalogue.BY_CODE else FIELDS.get(field, ""))


def is_switch(subject_type: str, field: str) -> bool:
    """Whether the field is the switch of a service."""
    return field in {*catalogue.SWITCHES, "attendance_plan", "intercom"} or (
        subject_type in OF_APARTMENTS and field in APARTMENT_FIELDS
    )


def managers_set(event: AuditEvent, names: Names) -> str:
    """Which managers were assigned, which removed, and whose PM App was switched."""
    told = []
    for key in {**event.before, **event.after}:
        who = person(key, names)
        before, after = event.before.get(key), event.after.get(key)
        if after is None:
            told.append(_("manager %(who)s taken off") % {"who": who})
        elif before is None and after:
            told.append(_("manager %(who)s chosen, with the PM App") % {"who": who})
        elif before is None:
            told.append(_("manager %(who)s chosen") % {"who": who})
        elif after:
            told.append(_("PM App of %(who)s switched on") % {"who": who})
        else:
            told.append(_("PM App of %(who)s switched off") % {"who": who})
    return listed(told)


def technicians_set(event: AuditEvent, names: Names) -> str:
    """Which technicians were assigned and which removed."""
    before, after = (set(values.get("technicians", ())) for values in (event.before, event.after))
    told = [_("technician %(who)s chosen") % {"who": person(str(pk), names)} for pk in sorted(after - before)]
    told += [_("technician %(who)s taken off") % {"who": person(str(pk), names)} for pk in sorted(before - after)]
    return listed(told)


def switched(event: AuditEvent, names: Names) -> str:
    """The services that were switched on or off, in the order of the catalogue, and the other changed fields."""
    told = []
    for field in sorted(
        event.before.keys() & event.after.keys(), key=_place
    ):  # PostgreSQL does not keep the order of JSON keys
        value, words = event.after[field], _("%(what)s changed")
        if isinstance(value, bool) and is_switch(event.subject_type, field):
            words = _("%(what)s on") if value else _("%(what)s off")
        told.append(words % {"what": label(event.subject_type, field) or field})
    return listed(told)


def set_to(event: AuditEvent) -> str:
    """Which switches of apartments were set to what: "Landline on, With Indoor Monitor off"."""
    told = []
    for field in sorted(event.after.keys() & APARTMENT_FIELDS.keys(), key=_place):
        words = _("%(what)s on") if event.after[field] else _("%(what)s off")
        told.append(words % {"what": APARTMENT_FIELDS[field]})
    return listed(told)


def of_apartment(event: AuditEvent, names: Names) -> str:
    """As `switched`, preceded by the apartment."""
    told = switched(event, names)
    return f"{event.subject_label}: {told}" if told else ""


def of_owner(event: AuditEvent, names: Names) -> str:
    """As `switched`, preceded by what was changed."""
    told = switched(event, names)
    return f"{event.subject_label}: {told}" if told else ""


def piece_added(event: AuditEvent, names: Names) -> str:
    """The piece, and where it is."""
    place = event.after.get("place")
    return _("%(what)s added in %(place)s") % {"what": event.subject_label, "place": place} if place else ""


def piece_moved(event: AuditEvent, names: Names) -> str:
    """The piece, and where it is now."""
    place = event.after.get("place")
    return _("%(what)s moved to %(place)s") % {"what": event.subject_label, "place": place} if place else ""


def intercoms_switched(event: AuditEvent, names: Names) -> str:
    """How many intercoms were switched on and off."""
    told = [
        words % {"n": n}
        for words, n in (
            (
                ngettext("intercom on for %(n)s account", "intercom on for %(n)s accounts", event.after.get("on", 0)),
                event.after.get("on", 0),
            ),
            (
                ngettext(
                    "intercom off for %(n)s account", "intercom off for %(n)s accounts", event.after.get("off", 0)
                ),
                event.after.get("off", 0),
            ),
        )
        if n
    ]
    return listed(told)


def _place(field: str) -> tuple[int, str]:
    codes = catalogue.SWITCHES
    return codes.index(field) if field in codes else len(codes), field
