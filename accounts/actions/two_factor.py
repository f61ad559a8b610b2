"""The second factor of a person: set up, checked, renewed, switched off (R7)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import audit, two_factor
from accounts.actions import members, revocation, sessions
from accounts.errors import Refused
from accounts.models import Membership, Organization, User, firm_of
from accounts.models.tokens import RevokedFor
from accounts.scope import Actor

# django-otp doubles the wait with each wrong code, up to a hundred years. A person who knows only the password could lock the owner out
# with that, so the wait ends at 2**11 seconds, about half an hour: 42 tries a day.
MOST_FAILURES = 12
TELL_AT = 5  # wrong codes in a row; then somebody else probably has the password, and the owner is told
SWITCHED_ON = audit.Word(
    "two_factor.on", gettext_lazy("Two-factor authentication switched on"), area=audit.Area.SECURITY
)
SWITCHED_OFF = audit.Word(
    "two_factor.off", gettext_lazy("Two-factor authentication switched off"), area=audit.Area.SECURITY
)
CODES_RENEWED = audit.Word(
    "two_factor.codes_renewed", gettext_lazy("New recovery codes made"), area=audit.Area.SECURITY
)
TWO_FACTOR_RESET = audit.Word(
    "two_factor.reset",
    gettext_lazy("Second factor of a member reset"),
    gettext_lazy("Second factor of %(what)s reset"),
    area=audit.Area.SECURITY,
)


def demanding(user: User) -> Organization | None:
    """The organization of the person that demands two-factor; the first if several do."""
    found = Membership.objects.usable().filter(user=user, organization__require_2fa=True)
    membership = found.select_related("organization").order_by("pk").first()
    return membership.organization if membership else None


def recovery_codes_left(user: User) -> int:
    """How many recovery codes still work."""
    return int(StaticToken.objects.filter(device__user=user, device__confirmed=True).count())


@transaction.atomic
def begin_two_factor(user: User, *, key: str, code: str, password: str, now: datetime) -> list[str]:
    """Store the authenticator app whose code is right, and return recovery codes once. Sign-in does not ask for a code yet.

    `key` is the app's secret, in hex. Refuses if two-factor is on already, or code or password are wrong. The password is required
    because with an unattended session somebody could lock the owner out with another app.
    """
    person = _locked(user)
    if person.two_factor_at is not None:
        raise Refused(_("Two-factor authentication is on already."))
    if not person.check_password(password):
        raise Refused(_("This is not your password."), field="password")
    step = two_factor.matching_step(key, code, unix_time=now.timestamp())
    if step is None:
        raise Refused(_("This code is not right. Type the one the app shows now."), field="code")
    TOTPDevice.objects.filter(user=person).delete()
    # Each code is valid once: the one that set the app up can't be used to sign in.
    TOTPDevice.objects.create(user=person, name="app", key=key, confirmed=False, last_t=step)
    return _new_codes(person, confirmed=False)


@transaction.atomic
def draw_codes_again(user: User) -> list[str]:
    """New recovery codes for an app that was stored but not switched on, because the first ones were not saved."""
    person = _locked(user)
    if person.two_factor_at is not None or not TOTPDevice.objects.filter(user=person, confirmed=False).exists():
        raise Refused(_("Scan the code and type the six digits first."))
    return _new_codes(person, confirmed=False)


@transaction.atomic
def switch_two_factor_on(actor: Actor, user: User, *, now: datetime) -> None:
    """Ask for a code at each sign-in from now on. Writes user, both devices, audit and a mail. Refuses where no app was stored before."""
    person = _locked(user)
    if person.two_factor_at is not None:
        raise Refused(_("Two-factor authentication is on already."))
    if not TOTPDevice.objects.filter(user=person).update(confirmed=True):
        raise Refused(_("Scan the code and type the six digits first."))
    StaticDevice.objects.filter(user=person).update(confirmed=True)
    _set(actor, person, now, now=now)
    user.two_factor_at = now
    sessions.tell(person, "two_factor_on", key=f"two-factor-on-{person.pk}-{now.isoformat()}", now=now)


def switch_two_factor_off(actor: Actor, user: User, *, password: str, code: str, now: datetime) -> None:
    """Stop asking for a code. Refuses where an organization of the person demands it, or password or code are wrong."""
    firm = demanding(user)
    if firm is not None:
        raise Refused(_("%(firm)s has to use two-factor authentication.") % {"firm": firm})
    _prove(user, password, code, now)
    with transaction.atomic():
        person = _locked(user)
        _forget_devices(person)
        _set(actor, person, None, now=now)
        user.two_factor_at = None
        sessions.tell(person, "two_factor_off", key=f"two-factor-off-{person.pk}-{now.isoformat()}", now=now)


def renew_recovery_codes(actor: Actor, user: User, *, password: str, code: str, now: datetime) -> list[str]:
    """Return new recovery codes; the previous ones stop working. Refuses a wrong password or code."""
    _prove(user, password, code, now)
    with transaction.atomic():
        person = _locked(user)
        codes = _new_codes(person, confirmed=True)
        _record(actor, CODES_RENEWED, person, now=now, after={"codes": len(codes)})
        sessions.tell(person, "recovery_codes", key=f"codes-{person.pk}-{now.isoformat()}", now=now)
    return codes


@transaction.atomic
def reset_two_factor(actor: Actor, *, membership_id: int, now: datetime) -> None:
    """Remove the second factor of a person who lost phone and recovery codes; every session and token ends and the person is told.

    By administrators of the person's firm or one above, never for oneself. Writes user, devices, sessions, tokens, audit and mail.
    Refuses a login that also opens firms outside the actor's subtree (without naming them): only the operator resets it. Where
    two-factor is demanded, the next sign-in sets it up again (R7).
    """
    membership = members.lock_member(actor, membership_id)
    if membership.user_id == actor.user_id:
        raise Refused(_("A colleague, or somebody above, resets yours."))
    person = _locked(membership.user)
    if person.two_factor_at is None or not membership.is_active or membership.joined_at is None:
        raise Refused(_("There is no second factor to reset."))
    if _works_elsewhere(person, actor):
        raise Refused(_("This login is used outside your firms too, so only the operator resets its second factor."))
    _forget_devices(person)
    person.two_factor_at = None
    person.save(update_fields=["two_factor_at"])
    sessions.end_all_sessions(person)
    revocation.revoke_tokens_of(person, reason=RevokedFor.SECOND_FACTOR, now=now, by=actor)
    revocation.close_links(person, now=now)
    members.record(actor, TWO_FACTOR_RESET, membership, now=now, before={"on": True}, after={"on": False})
    key = f"two-factor-reset-{person.pk}-{now.isoformat()}"
    sessions.tell(person, "two_factor_reset", key=key, now=now, organization=membership.organization)


def check_code(user: User, code: str, *, now: datetime) -> bool:
    """Whether this is the app's present code or a recovery code. Each code is valid once; wrong codes delay the next try."""
    # The count of wrong codes must be committed, so nothing is raised inside the transaction
    with transaction.atomic():
        person = _locked(user)
        typed = two_factor.compact(code)
        kind = TOTPDevice if two_factor.is_six_digits(typed) else StaticDevice
        device = kind.objects.select_for_update(no_key=True).filter(user=person, confirmed=True).first()
        if device is None:
            return False
        is_recovery = kind is StaticDevice
        if device.verify_token(two_factor.recovery_digest(typed) if is_recovery else typed):
            if is_recovery:
                left = recovery_codes_left(person)
                key = f"recovery-used-{person.pk}-{now.isoformat()}"
                sessions.tell(person, "recovery_used", key=key, now=now, left=left)
            return True
        failures = device.throttling_failure_count
        if failures > MOST_FAILURES:
            device.throttling_failure_count = MOST_FAILURES
            device.save(update_fields=["throttling_failure_count"])
        if failures == TELL_AT:
            sessions.tell(person, "codes_guessed", key=f"guessed-{person.pk}-{now:%Y-%m-%d}", now=now)
        return False


def prove(user: User, *, password: str, code: str, now: datetime) -> None:
    """Refuse a wrong password or a wrong code of the second factor. Call it outside the transaction of the change: a refusal must not
    roll back the count of wrong codes."""
    if not user.check_password(password):
        raise Refused(_("This is not your password."), field="password")
    if user.two_factor_at is not None and not check_code(user, code, now=now):
        raise WrongCode


def _prove(user: User, password: str, code: str, now: datetime) -> None:
    if user.two_factor_at is None:
        raise Refused(_("Two-factor authentication is off."))
    prove(user, password=password, code=code, now=now)


class WrongCode(Refused):
    """The code is not right, was used before, or came too soon after a wrong one."""

    message = gettext_lazy("This code is not right, or was used before. Wait for the next one.")
    field = "code"


def _new_codes(person: User, *, confirmed: bool) -> list[str]:
    codes = two_factor.new_recovery_codes()
    StaticDevice.objects.filter(user=person).delete()
    device = StaticDevice.objects.create(user=person, name="recovery", confirmed=confirmed)
    StaticToken.objects.bulk_create(
        StaticToken(device=device, token=kept) for kept in two_factor.recovery_digests(codes)
    )
    return codes


def _forget_devices(person: User) -> None:
    TOTPDevice.objects.filter(user=person).delete()
    StaticDevice.objects.filter(user=person).delete()


def _works_elsewhere(person: User, actor: Actor) -> bool:
    """Whether this login is a member of an organization outside the actor's subtree."""
    if actor.sees_all:
        return False
    joined = Membership.objects.filter(user=person, is_active=True, joined_at__isnull=False)
    return joined.exclude(organization__path__startswith=actor.path).exists()


def _locked(user: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _set(actor: Actor, person: User, since: datetime | None, *, now: datetime) -> None:
    person.two_factor_at = since
    person.save(update_fields=["two_factor_at"])
    is_on = since is not None
    _record(
        actor, SWITCHED_ON if is_on else SWITCHED_OFF, person, now=now, after={"on": is_on}, before={"on": not is_on}
    )


def _record(
    actor: Actor,
    word: audit.Word,
    person: User,
    *,
    now: datetime,
    after: dict[str, object],
    before: dict[str, object] | None = None,
) -> None:
    if (firm := firm_of(actor)) is not None:
        audit.record(
            actor,
            word,
            person,
            now=now,
            tenant=firm,
            before=before,
            after=after,
            label=f"#{person.pk}",
        )
