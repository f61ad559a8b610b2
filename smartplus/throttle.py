"""Throttling: how django-axes counts and answers, and further counts of our own.

django-axes locks a pair of account and network address. Two more counts are leaky buckets (`FailureCount`): all failures from one network
address, for any account, and all failures for one account, from any address. The owner of an account passes both, and the lock of the pair,
with a link mailed to its address.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import FailureCount, User
from accounts.typed import mail

RESET_MAILS = 3  # mails of one kind to one person within RESET_WINDOW; more would only fill the mailbox
RESET_WINDOW = timedelta(minutes=15)
RESET_PREFIX = "password-reset "  # mail addresses contain no space, so these rows differ from those of sign-in
LINK_PREFIX = "sign-in-link "
CODE_PREFIX = "second-factor "
JOIN_PREFIX = "registration "
PASS, PASS_FOR_S = "throttle_pass", 900  # key in the session: the mailbox that it has proved, and until when
NO_ADDRESS = "0.0.0.0"  # noqa: S104 (whoever asks; not NULL, or two requests at once would make two rows)


class Bucket(NamedTuple):
    """How many failures fit at once, and how long until one has leaked out."""

    name: str
    size: int
    leaks_every: timedelta


COUNTED = "smartplus.counted_tries"  # key in the request's environment: what this try was counted under
# A firm of thirty behind one address mistypes less than this. One address gets at most 84 passwords an hour, for any accounts.
NETWORK = Bucket("network", 30, timedelta(minutes=1))
# However many addresses are used: 20 tries, then 48 a day.
ACCOUNT = Bucket("account", 20, timedelta(minutes=30))
# Forms of one person sent after the end of the session: each stores a session row for an hour, while nobody is signed in.
FORMS = Bucket("form", 5, timedelta(minutes=5))
# Wrong registration codes that were typed: from one network address, and for one site from any address. A code has 35 bits that differ.
JOIN_NETWORK = Bucket("join", 10, timedelta(minutes=6))
JOIN_SITE = Bucket("join-site", 20, timedelta(minutes=3))


def client_address(request: HttpRequest) -> str | None:
    """The address of the client as seen by our one proxy, or of the connection if there is none.

    Of X-Forwarded-For only the last entry comes from the proxy; the client may invent the others. An IPv6 address stands for its /64, since
    every customer can choose from that many.
    """
    claims = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.BEHIND_PROXY else ""
    for text in (claims.rpartition(",")[2].strip(), request.META.get("REMOTE_ADDR", "")):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
    return None


def username(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The account that a sign-in is tried for, as its key."""
    given = credentials.get("username") if credentials else request.POST.get("username") if request else ""
    if not given:
        return ""
    known: dict[str, str] = {} if request is None else request.__dict__.setdefault("throttle_keys", {})
    if given not in known:  # cached: django-axes asks many times
        known[given] = _key(given)
        known.setdefault(known[given], known[given])  # the key of a key is the key itself
    return known[given]


def locked(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429 with the time to wait; the same for known and unknown addresses, right and wrong passwords."""
    return _rest(request, _wait_of_pair(request, credentials), credentials=credentials)


def _wait_of_pair(request: HttpRequest, credentials: dict[str, Any] | None) -> timedelta:
    tried = AccessAttempt.objects.filter(username=username(request, credentials), ip_address=client_address(request))
    last = tried.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    wait: timedelta = last + settings.AXES_COOLOFF_TIME - timezone.now()
    return wait


def _rest(
    request: HttpRequest, wait: timedelta, *, credentials: dict[str, Any] | None = None, is_network: bool = False
) -> HttpResponse:
    """The page with the time to wait, and what the owner of the account can do meanwhile."""
    name = username(request, credentials)
    is_code = name.startswith(CODE_PREFIX)
    wait_s = max(0, math.ceil(wait.total_seconds()))
    context = {
        "minutes": max(1, math.ceil(wait_s / 60)),
        "is_code": is_code,
        "is_network": is_network,
        "email": "" if is_code else name,
        "next": request.POST.get("next", ""),
    }
    response = render(request, "sign_in/locked.html", context, status=429)
    response["Retry-After"] = str(wait_s + 1)  # rounded up, since it is still locked at the last instant
    return response


def refuses_sign_in(request: HttpRequest, *, now: datetime) -> HttpResponse | None:
    """429 while too many tries failed from this network address or for this account. Otherwise the try is counted before it is made, and
    `forgive` takes it back; so of many tries at once none passes between checking and counting.

    A person who has just proved the account's mailbox is not counted. Known and unknown accounts are treated alike.
    """
    name = username(request)
    if not name or not request.POST.get("password") or _has_pass(request, name, now):
        return None
    if not AxesProxyHandler.is_allowed(request, {"username": name}):
        return None  # the pair is locked: django-axes answers, and the try is not counted again
    counted: list[tuple[Bucket, str]] = []
    for bucket, who in ((NETWORK, client_address(request) or NO_ADDRESS), (ACCOUNT, _digest(name))):
        wait = _count(bucket, who, now)
        if wait is not None:
            _take_back(counted)
            return _rest(request, wait, is_network=bucket is NETWORK)
        counted.append((bucket, who))
    request.META[COUNTED] = counted
    return None


def refuses_join(request: HttpRequest, site_part: str, *, now: datetime) -> timedelta | None:
    """How long to wait, while too many wrong registration codes were typed at this network address or for the site that `site_part` stands for,
    whether there is one or not. Otherwise the try is counted before it is made, and `forgive_join` takes it back."""
    counted: list[tuple[Bucket, str]] = []
    asked = [(JOIN_NETWORK, client_address(request) or NO_ADDRESS)]
    if site_part:  # what is no code at all says nothing of a site
        asked.append((JOIN_SITE, _digest(site_part)))
    for bucket, who in asked:
        wait = _count(bucket, who, now)
        if wait is not None:
            _take_back(counted)
            return wait
        counted.append((bucket, who))
    request.META[COUNTED] = counted
    return None


def forgive_join(request: HttpRequest) -> None:
    """The code was right: this try is not counted."""
    _take_back(request.META.get(COUNTED, []))


def may_keep_form(user_id: int, *, now: datetime) -> bool:
    """Count one more form that waits for this person to sign in; False if there were too many."""
    return _count(FORMS, str(user_id), now) is None


def forgive(request: HttpRequest) -> None:
    """The password was right: this try is not counted. Earlier ones still count; otherwise signing in to one's own account would clear the
    count of an address that guesses other passwords."""
    _take_back(request.META.get(COUNTED, []))
    request.session.pop(PASS, None)


def let_pass(request: HttpRequest, email: str, *, now: datetime) -> None:
    """For a quarter of an hour this browser may try to sign in as this person, who has proved the mailbox. Five wrong passwords lock it
    again."""
    forget_failures(email)
    request.session[PASS] = [_digest(_key(email)), now.timestamp() + PASS_FOR_S]


def forget_failures(email: str) -> None:
    """Let a person try again at once, from any address, because it has just proved the mailbox."""
    AxesProxyHandler.reset_attempts(username=_key(email))


def _has_pass(request: HttpRequest, name: str, now: datetime) -> bool:
    whose, until = request.session.get(PASS, ["", 0])
    return bool(whose == _digest(name) and now.timestamp() < until)


@transaction.atomic
def _count(bucket: Bucket, who: str, now: datetime) -> timedelta | None:
    """Add one failure to the bucket. If it is full, nothing is added, and the time until one fits is returned."""
    FailureCount.objects.filter(clears_at__lte=now).delete()
    key = f"{bucket.name} {who}"
    row = FailureCount.objects.select_for_update(no_key=True).get_or_create(key=key, defaults={"clears_at": now})[0]
    clears_at = max(now, row.clears_at) + bucket.leaks_every
    if (wait := clears_at - now - bucket.size * bucket.leaks_every) > timedelta(0):
        return wait
    row.clears_at = clears_at
    row.save(update_fields=["clears_at"])
    return None


def _take_back(counted: list[tuple[Bucket, str]]) -> None:
    for bucket, who in counted:
        found = FailureCount.objects.filter(key=f"{bucket.name} {who}")
        found.update(clears_at=F("clears_at") - bucket.leaks_every)


def _digest(name: str) -> str:
    """A digest of the account name that was tried, since it may belong to nobody or be a password in the wrong field."""
    return salted_hmac("smartplus.throttle", name, algorithm="sha256").hexdigest()


def refuses_codes(request: HttpRequest, user: User) -> HttpResponse | None:
    """429 while too many wrong codes of this person came from this address. Counted apart from passwords, so that the right password does
    not reset the count."""
    credentials = _code_credentials(user)
    return None if AxesProxyHandler.is_allowed(request, credentials) else locked(request, credentials=credentials)


def count_wrong_code(request: HttpRequest, user: User) -> None:
    """Count a wrong code; the last allowed one returns 429 itself."""
    AxesProxyHandler.user_login_failed(sender=__name__, credentials=_code_credentials(user), request=request)


def forget_wrong_codes(user: User) -> None:
    """Clear the count after a right code."""
    AxesProxyHandler.reset_attempts(username=_code_credentials(user)["username"])


def _code_credentials(user: User) -> dict[str, str]:
    return {"username": _key(CODE_PREFIX + user.email)}


def may_mail(kind: str, email: str, *, now: datetime) -> bool:
    """Count one more mail of this kind, RESET_PREFIX, LINK_PREFIX or JOIN_PREFIX, to this address; False after RESET_MAILS within RESET_WINDOW."""
    with transaction.atomic():
        attempts = AccessAttempt.objects.filter(username__startswith=kind)
        attempts.filter(attempt_time__lte=now - RESET_WINDOW).delete()
        row, is_first = AccessAttempt.objects.select_for_update(no_key=True).get_or_create(
            username=(kind + _key(email))[:255],
            ip_address=NO_ADDRESS,
            user_agent="",
            defaults={"failures_since_start": 0},
        )
        if row.failures_since_start >= RESET_MAILS:
            return False
        row.failures_since_start += 1
        row.attempt_time = now if is_first else row.attempt_time  # the window begins with the first mail
        row.save(update_fields=["failures_since_start", "attempt_time"])
    return True


def _key(email: str) -> str:
    """As `accounts.models.User.email_key`."""
    return mail.key(email)
