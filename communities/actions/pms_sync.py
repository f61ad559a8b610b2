"""Residents that a property management system sends: created, updated, or left as they are with the reason. Nobody is ever removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from accounts.models.invitations import digest_of
from accounts.scope import Actor
from accounts.typed import mail, text
from accounts.typed.keys import identity_key
from communities.actions.households import events_of, lock_apartments, settle
from communities.actions.pms import record_class, write_class
from communities.actions.residents import ANY_TIME, RESIDENT_ADDED, RESIDENT_CHANGED, arriving, cleaned
from communities.households import MAX_MEMBERS
from communities.models import Apartment, PmsConnection, PriceClass, Resident, Site, Stage, keys_of

MOST_PEOPLE = 2_000  # of one call
LONGEST_KEY = 64
LONGEST_NAME, LONGEST_REMARK = 120, 200
PMS = Actor.system("pms")
SYNCED = audit.Word(
    "pms.synced",
    gettext_lazy("Residents sent by a property management system"),
    gettext_lazy("Residents of %(what)s sent by its property management system"),
    area=audit.Area.SERVICES,
    saves=True,
)
CREATED, UPDATED, UNCHANGED, WAITING = "created", "updated", "unchanged", "waiting"
CONFLICT, REFUSED = "conflict", "refused"
RESULTS = (CREATED, UPDATED, UNCHANGED, WAITING, CONFLICT, REFUSED)
STANDS = (CREATED, UPDATED, UNCHANGED, WAITING)  # results of people who are at the site


class ConnectionOver(NotPermitted):
    """The token is unknown or revoked, or nobody has enabled its connection. The message does not tell which."""


class LeftAsItIs(Exception):
    """A person that somebody has to decide about; nothing of it is changed."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A person as sent. `key` is how the system calls the person; None keeps what is stored. The apartment is named by its id here, or by
    building and number. `is_master`: to be the family master, where nobody lives."""

    key: str
    name: str
    email: str | None = None
    mobile: str | None = None
    remark: str | None = None
    language: str = "en"
    apartment_id: int | None = None
    building: str = ""
    apartment: str = ""
    is_master: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a person, and why it is not what was sent."""

    key: str
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Synced:
    """The answers in the order of the people, and how many there are of each result."""

    answers: list[Answer]
    counts: dict[str, int]


@dataclass(slots=True)
class Run:
    """A sync while it runs: who lives in the apartments that are named, and what is to be written."""

    site: Site
    connection: PmsConnection
    now: datetime
    by_id: dict[int, Apartment]
    by_name: dict[tuple[str, str], Apartment]
    living: dict[int, list[Resident]] = field(default_factory=dict)
    known: dict[str, Resident] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    created: list[Resident] = field(default_factory=list)
    updated: dict[int, list[str]] = field(default_factory=dict)  # the names of the fields, by the id of the resident


def find_connection(token: str) -> PmsConnection:
    """The connection that works with this token. Raises ConnectionOver for every other text, whatever the reason."""
    found = PmsConnection.objects.working().filter(digest=digest_of(token)).first()
    if found is None:
        raise ConnectionOver
    return found


@transaction.atomic
def sync(*, token: str, people: Sequence[Sent], dry_run: bool, now: datetime) -> Synced:
    """Create and update residents of the site whose connection has this token; calling it twice changes nothing more.

    Of a person whom the connection created it updates name, mobile number and remark. Another address, family master or apartment, and people
    whom others added, are conflicts: nothing changes. Who is not sent stays. Members beyond the free number wait for a yes unless the
    installer accepted them beforehand (R30). The first sync that has somebody at the site makes it Integration (R29). A dry run answers the
    same and writes nothing. Raises ConnectionOver; refuses an empty call and one with more than MOST_PEOPLE. Locks: site → apartments →
    residents → entitlements.
    """
    seen = find_connection(token)
    site = Site.every.select_for_update(of=("self",), no_key=True).get(pk=seen.site_id)
    connection = find_connection(token)
    if not people:
        raise Refused(_("Nobody was sent."))
    if len(people) > MOST_PEOPLE:
        raise Refused(_("At most %(n)s people are sent in one call. Send them in parts.") % {"n": MOST_PEOPLE})
    run = _begin(site, connection, people, now=now)
    in_order = sorted(
        range(len(people)), key=lambda at: not people[at].is_master
    )  # who is to be the master comes first
    answers = {at: _answer(run, people[at]) for at in in_order}
    waiting = _write(run)
    found = [
        Answer(one.key, WAITING) if one.result in STANDS and one.key in waiting else one
        for _at, one in sorted(answers.items())
    ]
    counted = Counter(one.result for one in found)
    counts = {result: counted[result] for result in RESULTS}
    _record(run, counts)
    if dry_run:
        transaction.set_rollback(True)
    return Synced(found, counts)


def _begin(site: Site, connection: PmsConnection, people: Sequence[Sent], *, now: datetime) -> Run:
    """Read and lock what the people name; a number of statements that does not depend on theirs."""
    every = list(Apartment.objects.filter(site=site, building__archived_at=None).select_related("building"))
    run = Run(
        site, connection, now, {row.pk: row for row in every},
        {(row.building.name_key, row.number_key): row for row in every},
    )  # fmt: skip
    homes = {home.pk for one in people if (home := _home(run, one)) is not None}
    keys = {text.line(one.key)[:LONGEST_KEY] for one in people}
    mine = Resident.objects.filter(pms=connection, pms_key__in=keys)
    homes |= set(mine.values_list("apartment_id", flat=True))
    rows = Resident.objects.filter(site=site, apartment__in=lock_apartments(homes)).order_by("pk")
    for row in rows.select_for_update(of=("self",), no_key=True):
        if row.stage != Stage.ENDED:
            run.living.setdefault(row.apartment_id, []).append(row)
        if row.pms_id == connection.pk:
            run.known[row.pms_key] = row
    return run


def _home(run: Run, one: Sent) -> Apartment | None:
    if one.apartment_id is not None:
        return run.by_id.get(one.apartment_id)
    return run.by_name.get((identity_key(one.building), identity_key(one.apartment)))


def _answer(run: Run, one: Sent) -> Answer:
    key = text.line(one.key)
    try:
        return Answer(key, _take(run, key, one))
    except LeftAsItIs as reason:
        return Answer(key, CONFLICT, str(reason))
    except Refused as refusal:
        return Answer(key[:LONGEST_KEY], REFUSED, str(refusal.message))


def _take(run: Run, key: str, one: Sent) -> str:
    """Create or update a person. Raises LeftAsItIs and Refused."""
    if not key or len(key) > LONGEST_KEY:
        raise Refused(_("A key of 1 to %(n)s characters is needed.") % {"n": LONGEST_KEY})
    if key in run.keys:
        raise Refused(_("This key was sent twice."))
    run.keys.add(key)
    home = _home(run, one)
    if home is None:
        raise Refused(_("The site has no such apartment."))
    if len(one.name) > LONGEST_NAME or len(one.remark or "") > LONGEST_REMARK:
        raise Refused(_("The name or the remark is too long."))
    if one.language not in dict(settings.LANGUAGES):
        raise Refused(_("This language is not known here."))
    known = run.known.get(key)
    return _create(run, key, home, one) if known is None else _update(run, known, home, one)


def _update(run: Run, known: Resident, home: Apartment, one: Sent) -> str:
    if known.stage == Stage.ENDED:
        raise LeftAsItIs(_("This person has moved out."))
    if known.apartment_id != home.pk:
        raise LeftAsItIs(_("This person lives in another apartment of the site."))
    if one.email is not None and _address(one.email) != _address(known.email):
        raise LeftAsItIs(_("The address differs. It is changed in the portal only."))
    if one.is_master and not (known.is_master or known.becomes_master):
        raise LeftAsItIs(_("Somebody else is the family master. That is changed in the portal only."))
    sent = {
        "mobile": known.mobile if one.mobile is None else one.mobile,
        "remark": known.remark if one.remark is None else one.remark,
    }
    values = cleaned(one.name, known.email, country=run.site.country, kept=known.mobile, **sent)
    fields = [name for name in ("name", "mobile", "remark") if getattr(known, name) != values[name]]
    if not fields:
        return UNCHANGED
    for name in fields:
        setattr(known, name, values[name])
    known.version += 1
    run.updated[known.pk] = fields
    return UPDATED


def _create(run: Run, key: str, home: Apartment, one: Sent) -> str:
    values = cleaned(one.name, one.email or "", one.mobile or "", one.remark or "", country=run.site.country)
    living = run.living.setdefault(home.pk, [])
    address = _address(values["email"])
    if any(
        (address and _address(row.email) == address) or (values["mobile"] and row.mobile == values["mobile"])
        for row in living
    ):
        raise LeftAsItIs(_("This address or number lives there already, under another key or added in the portal."))
    if one.is_master and living:
        raise LeftAsItIs(_("Somebody lives there already. The family master is changed in the portal only."))
    if len(living) > MAX_MEMBERS:
        raise Refused(_("An apartment has at most %(n)s family members.") % {"n": MAX_MEMBERS})
    row = Resident(
        **keys_of(run.site),
        **arriving(ANY_TIME),
        **values,
        apartment=home,
        language=one.language,
        becomes_master=one.is_master,
        is_accepted=run.connection.is_beyond_free,
        pms=run.connection,
        pms_key=key,
        created_at=run.now,
    )
    living.append(row)
    run.created.append(row)
    return CREATED


def _address(email: str) -> str:
    return mail.key(email) if text.line(email) else ""


def _write(run: Run) -> set[str]:
    """Write what was found; returns the keys of those who wait for a yes."""
    updated = [row for row in run.known.values() if row.pk in run.updated]
    for row in updated:
        row.save(update_fields=["name", "mobile", "remark", "version"])
    Resident.objects.bulk_create(run.created)
    homes = sorted({row.apartment_id for row in run.created})
    changes = settle(run.site, homes, now=run.now) if homes else []
    stages = {row.pk: row.stage for row in run.known.values()}
    stages |= {change.resident.pk: change.resident.stage for change in changes}
    new = {row.pk for row in run.created}
    if run.created or run.updated:
        whole = audit.record(
            PMS, SYNCED, run.connection, now=run.now, tenant=run.site, site_id=run.site.pk, label=run.site.name,
            after={"created": len(run.created), "updated": len(run.updated)},
        )  # fmt: skip
        audit.record_all([*_told(run, updated, whole), *events_of(PMS, changes, now=run.now, batch=whole, but=new)])
    rows = [*run.known.values(), *run.created]
    return {row.pms_key for row in rows if stages.get(row.pk) == Stage.WAITING}


def _told(run: Run, updated: Iterable[Resident], whole: AuditEvent) -> Iterator[AuditEvent]:
    """One audit row for each person, with the names of changed fields only."""
    told: list[tuple[audit.Word, Resident, dict[str, object] | None]]
    told = [(RESIDENT_ADDED, row, None) for row in run.created]
    told += [(RESIDENT_CHANGED, row, {"fields": run.updated[row.pk]}) for row in updated]
    for word, row, after in told:
        yield audit.event(
            PMS, word, row, now=run.now, tenant=run.site, site_id=run.site.pk, after=after,
            label=str(run.by_id[row.apartment_id]), batch=whole,
        )  # fmt: skip


def _record(run: Run, counts: dict[str, int]) -> None:
    """Write what the page says of the last sync, and with the first one the price class (R29)."""
    row, site = run.connection, run.site
    row.last_synced_at, row.last_counts = run.now, counts
    row.first_synced_at = row.first_synced_at or run.now
    row.save(update_fields=["last_synced_at", "last_counts", "first_synced_at"])
    if any(counts[result] for result in STANDS) and write_class(site, PriceClass.INTEGRATION):
        record_class(PMS, site, was=PriceClass.NORMAL, now=run.now)
