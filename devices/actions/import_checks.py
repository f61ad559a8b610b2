"""What the check of an import reads: the site's buildings, the apartments that the rows name, and what library and devices say of the MACs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from accounts.scope import Actor
from communities.models import Apartment, Building, Resident, Site
from devices.actions.checks import MonitorEntry
from devices.actions.many import check_many
from devices.import_verdicts import Facts, Flat, Person, Verdict, assess, has_new_mac, place_of
from devices.imported import Decision, Line
from devices.models import Device


def check(actor: Actor, site: Site, lines: Sequence[Line]) -> dict[int, Verdict]:
    """What each row of a file would do at the site now (R79); eight statements, however many rows. Writes and locks nothing."""
    facts = facts_of(site, lines)
    entries = {line.number: monitor_of(line) for line in lines if has_new_mac(line, facts)}
    labels = {line.number: " ".join(filter(None, (line.of("building"), line.of("number")))) for line in lines}
    refused = check_many(actor, site=site, entries=entries, labels=labels).errors if entries else {}
    return assess(lines, facts, refused)


def monitor_of(line: Line) -> MonitorEntry:
    """The monitor of a row, as its form has it."""
    return MonitorEntry(line.of("mac"), line.of("monitor") or "-", confirmed=Decision.CONFIRM in line.decisions)


def facts_of(site: Site, lines: Sequence[Line]) -> Facts:
    """The facts of the site as far as these rows are about them; four statements."""
    houses = {row.name_key: (row.pk, row.name) for row in Building.objects.filter(site=site)}
    facts = Facts(site.country, site.indoor_monitor, houses)
    places = {place_of(line, facts) for line in lines}
    keys = {key for _building, key in places}
    found = Apartment.objects.filter(
        site=site, building__in={building for building, _key in places}, number_key__in=keys
    )
    masters = {
        row.apartment_id: Person(row.name, row.email, row.mobile)
        for row in Resident.objects.filter(apartment__in=found, is_master=True)
    }
    macs: dict[int | None, set[int]] = defaultdict(set)
    for pk, value in Device.objects.monitors().filter(apartment__in=found).values_list("apartment_id", "mac"):
        macs[pk].add(value)
    flats = {
        (row.building_id, row.number_key): Flat(
            row.pk, row.floor, row.name, row.indoor_monitor, masters.get(row.pk), frozenset(macs[row.pk])
        )
        for row in found
    }
    return Facts(site.country, site.indoor_monitor, houses, flats)
