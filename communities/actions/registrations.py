"""Registration codes: printed for a household, used once by one of its members, revoked; and the way of who has one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, notify
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Topic
from accounts.models.invitations import digest_of
from accounts.scope import Actor
from accounts.typed import text
from communities import registration_codes as codes
from communities.actions.households import events_of, lock_apartments, refuse_full, settle
from communities.actions.residents import arriving, cleaned, lock_home, may_edit_residents
from communities.actions.sites import lock_site
from communities.households import MAX_MEMBERS
from communities.models import Apartment, Building, Lease, Registration, RegistrationCode, Resident, Site, keys_of

VALID_FOR = timedelta(days=14)
TYPED_FOR = timedelta(hours=48)
CONFIRM_FOR = timedelta(hours=24)
PASS_SALT, PASS_FOR = "communities.registration.pass", timedelta(minutes=30)
MOST_ASKING = 5  # people who ask with one code and have not confirmed; more would only send mails
MOST_PRINTED = 200  # sheets at once
AT_ONCE = 500  # people who did not confirm, erased by one run
REGISTRATIONS = Actor.system("registrations")
CODE_MADE = audit.Word(
    "registration.made",
    gettext_lazy("Registration code printed"),
    gettext_lazy("Registration code of %(what)s printed"),
    area=audit.Area.SERVICES,
)
CODES_MADE = audit.Word(
    "registration.all_made",
    gettext_lazy("Registration codes of a building printed"),
    gettext_lazy("Registration codes of %(what)s printed"),
    area=audit.Area.SERVICES,
)
CODE_REVOKED = audit.Word(
    "registration.revoked",
    gettext_lazy("Registration code revoked"),
    gettext_lazy("Registration code of %(what)s revoked"),
    area=audit.Area.SERVICES,
)
CODE_USED = audit.Word(
    "resident.registered",
    gettext_lazy("Resident registered with a code"),
    gettext_lazy("Resident registered in %(what)s with a code"),
    area=audit.Area.SERVICES,
)


class CodeOver(Refused):
    """The code was used, revoked, is too old or never existed. The message does not tell which."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A code with what only its sheet shows: the token of the QR code and the code to type."""

    row: RegistrationCode
    apartment: Apartment
    token: str
    typed: str


@transaction.atomic
def make_code(actor: Actor, *, apartment_id: int, now: datetime) -> Printed:
    """Print a code for the present household; the one before ends. It registers one member, never the family master. Refuses an apartment where
    nobody lives, and one that is full (R31). Locks: site → apartment."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, apartment = lock_home(actor, apartment_id)
    master = Resident.objects.filter(apartment=apartment, is_master=True).first()
    if master is None:
        raise Refused(
            _("Nobody lives in %(apartment)s: a code is for members of a household.") % {"apartment": apartment}
        )
    refuse_full(apartment)
    return _print(actor, site, [(apartment, master)], now=now)[0]


@transaction.atomic
def make_codes(actor: Actor, *, building_id: int, now: datetime) -> list[Printed]:
    """Print a code for each household of a building that has room for a member; the ones before end. Locks: site → apartments, in the order of
    their ids."""
    if not may_edit_residents(actor):
        raise NotPermitted
    building = Building.objects.visible_to(actor).get(pk=building_id)
    site = lock_site(actor, building.site_id)
    homes = Apartment.objects.filter(building=building).select_related("building", "target")
    locked = {home.pk: home for home in homes.filter(pk__in=lock_apartments(homes.values_list("pk", flat=True)))}
    masters = Resident.objects.filter(apartment__in=locked, is_master=True)
    members = Q(apartment__residents__is_master=False, apartment__residents__left_at=None)
    rows = masters.annotate(n=Count("apartment__residents", filter=members)).filter(n__lt=MAX_MEMBERS)
    found = [(locked[master.apartment_id], master) for master in rows.order_by("apartment__target__sort_key")]
    if not found:
        raise Refused(_("Nobody lives in %(building)s: codes are for members of a household.") % {"building": building})
    if len(found) > MOST_PRINTED:
        raise Refused(_("At most %(n)s sheets are printed at once. Print them by apartment.") % {"n": MOST_PRINTED})
    after = {"codes": len(found)}
    whole = audit.record(actor, CODES_MADE, building, now=now, tenant=site, site_id=site.pk, after=after)
    return _print(actor, site, found, now=now, batch=whole)


@transaction.atomic
def revoke_code(actor: Actor, *, apartment_id: int, now: datetime) -> None:
    """End the open code of an apartment; without one nothing happens. Locks: site → apartment."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, apartment = lock_home(actor, apartment_id)
    row = RegistrationCode.objects.open().filter(apartment=apartment).first()
    if row is None:
        return
    end_codes(Q(pk=row.pk), now=now)
    audit.record(actor, CODE_REVOKED, row, now=now, tenant=site, site_id=site.pk, label=str(apartment), **_ended(now))


def end_codes(which: Q, *, now: datetime) -> int:
    """End open codes, inside the caller's transaction, which holds their sites. Returns how many."""
    return RegistrationCode.objects.open().filter(which).update(revoked_at=now)


def find_code(token: str, *, now: datetime) -> RegistrationCode:
    """The working code that a token, or the pass of a typed code, belongs to. Raises CodeOver for every other one, whatever the reason."""
    working = RegistrationCode.objects.working(now).select_related("apartment__building", "site__installer")
    found = working.filter(digest=digest_of(token)).first() or working.filter(pk=_passed(token, now)).first()
    if found is None:
        raise CodeOver
    return found


def pass_of(typed: str, *, now: datetime) -> str:
    """A pass for half an hour, which stands for the token, in exchange for a typed code (`codes.read`). Raises CodeOver as `find_code` does."""
    working = RegistrationCode.objects.working(now).filter(typed_until__gt=now)
    found = working.filter(typed_digest=codes.typed_digest(typed)).first()
    if found is None:
        raise CodeOver
    return signing.Signer(salt=PASS_SALT).sign_object([found.pk, int((now + PASS_FOR).timestamp())])


@transaction.atomic
def ask_to_register(*, token: str, name: str, email: str, language: str, now: datetime) -> Registration:
    """Mail a link that confirms the address of who has a code; nobody is a resident yet. Raises CodeOver, and refuses a person without a name,
    an apartment that is full, and a code that too many ask with. Locks the code."""
    code = find_code(token, now=now)
    refuse_full(code.apartment)
    if not text.line(email):
        raise Refused(_("An email is needed: the link that confirms it goes there."), field="email")
    values = cleaned(name, email, "", "", country=code.site.country)
    RegistrationCode.objects.select_for_update(no_key=True).get(pk=code.pk)  # of many at once each is counted
    if Registration.objects.filter(code=code, expires_at__gt=now).count() >= MOST_ASKING:
        raise Refused(_("This code was tried too often. Open the mail that came, or ask for another sheet."))
    secret = secrets.token_urlsafe(codes.TOKEN_BYTES)
    row = Registration.objects.create(
        **keys_of(code.site),
        code=code,
        name=values["name"],
        email=values["email"],
        language=language,
        digest=digest_of(secret),
        created_at=now,
        expires_at=now + CONFIRM_FOR,
    )
    notify.post(
        key=f"registration:{row.pk}",
        topic=Topic.SECURITY,
        to=notify.Stranger(row.email, row.language),
        template="registration",
        context={
            "token": secret,
            "site_url": settings.SITE_URL,
            "site": code.site,
            "apartment": code.apartment,
            "hours": int(CONFIRM_FOR.total_seconds() // 3600),
        },
        now=now,
        about=code,
        tenant=code.site.installer,
        has_secret=True,
    )
    return row


def find_registration(token: str, *, now: datetime) -> Registration:
    """Who asked and got this link, while its code works. Raises CodeOver for every other link."""
    working = RegistrationCode.objects.working(now)
    found = Registration.objects.filter(digest=digest_of(token), expires_at__gt=now, code__in=working)
    row = found.select_related("code__apartment__building", "code__host", "site").first()
    if row is None:
        raise CodeOver
    return row


@transaction.atomic
def confirm_registration(*, token: str, now: datetime) -> Resident:
    """Register the person whose address this link proves as a member of the household; beyond the free number it waits for the installer's
    yes (R30). Its last day is that of the family master. The code is used with it: of two at once one comes in time, and the other gets
    CodeOver. Refuses a full apartment (R31). Locks: site → apartment → residents → entitlements."""
    seen = find_registration(token, now=now)
    site = lock_site(REGISTRATIONS, seen.site_id)
    lock_apartments([seen.code.apartment_id])
    settle(
        site, [seen.code.apartment_id], now=now
    )  # the last day of the household may be over since the leases were last looked at
    row = find_registration(token, now=now)
    apartment = row.code.apartment
    refuse_full(apartment)
    resident = Resident.objects.create(
        **keys_of(site),
        **arriving(Lease(None, row.code.host.lease_until if row.code.host else None)),
        apartment=apartment,
        name=row.name,
        email=row.email,
        language=row.language,
        is_accepted=False,
        created_at=now,
    )
    if not RegistrationCode.objects.open().filter(pk=row.code_id).update(used_at=now, used_by=resident):
        raise CodeOver
    Registration.objects.filter(code=row.code_id).delete()
    changes = settle(site, [apartment.pk], now=now)
    resident.refresh_from_db()
    audit.record(
        REGISTRATIONS, CODE_USED, resident, now=now, tenant=site, site_id=site.pk, label=str(apartment),
        after={"master": resident.is_master, "stage": resident.stage},
    )  # fmt: skip
    audit.record_all(events_of(REGISTRATIONS, changes, now=now, but=[resident.pk]))
    return resident


@transaction.atomic
def forget_asked(*, now: datetime) -> int:
    """Erase who asked and did not confirm in time. Returns how many."""
    rows = Registration.objects.filter(expires_at__lte=now).order_by("pk")
    ids = list(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    return Registration.objects.filter(pk__in=ids).delete()[0] if ids else 0


def _print(
    actor: Actor,
    site: Site,
    homes: Sequence[tuple[Apartment, Resident]],
    *,
    now: datetime,
    batch: AuditEvent | None = None,
) -> list[Printed]:
    """New codes for these households, and one audit row for each. The caller holds the apartments."""
    end_codes(Q(apartment__in=[home.pk for home, _master in homes]), now=now)
    made = [_new(actor, site, home, master, now=now) for home, master in homes]
    RegistrationCode.objects.bulk_create(one.row for one in made)
    audit.record_all(_told(actor, site, made, batch, now=now))
    return made


def _new(actor: Actor, site: Site, home: Apartment, host: Resident, *, now: datetime) -> Printed:
    token, typed = codes.new_token(), codes.new_typed(site.pk)
    row = RegistrationCode(
        **keys_of(site),
        apartment=home,
        host=host,
        digest=digest_of(token),
        typed_digest=codes.typed_digest(codes.read(typed)),
        created_by_id=actor.user_id,
        created_at=now,
        expires_at=now + VALID_FOR,
        typed_until=now + TYPED_FOR,
    )
    return Printed(row, home, token, typed)


def _told(
    actor: Actor, site: Site, made: Iterable[Printed], batch: AuditEvent | None, *, now: datetime
) -> list[AuditEvent]:
    return [
        audit.event(
            actor, CODE_MADE, one.row, now=now, tenant=site, site_id=site.pk, label=str(one.apartment),
            batch=batch,
        )
        for one in made
    ]  # fmt: skip


def _ended(now: datetime) -> dict[str, dict[str, object]]:
    return {"before": {"revoked_at": None}, "after": {"revoked_at": now.isoformat()}}


def _passed(token: str, now: datetime) -> int:
    """The code that a pass stands for; 0, which no row has, for everything else."""
    try:
        pk, until = signing.Signer(salt=PASS_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return 0
    return int(pk) if now.timestamp() < until else 0
