"""How often one may try: what django-axes counts by, what it answers, and our own counts beside it.

django-axes locks the pair of a name and a network address. Two more counts leak like buckets (`FailureCount`): all failures from one
network address, whatever the names, and all failures for one account, whatever the addresses. The owner of an account passes both, and the
lock of the pair, by a link that is mailed to its address."""

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

RESET_MAILS = 3  # of one kind to one person within RESET_WINDOW; more would only fill the mailbox
RESET_WINDOW = timedelta(minutes=15)
RESET_PREFIX = "password-reset "  # no address has a space, so these rows never meet those of the sign-in
LINK_PREFIX = "sign-in-link "
CODE_PREFIX = "second-factor "
PASS, PASS_FOR_S = "throttle_pass", 900  # key in the session: whose mailbox it has proved, and until when
NO_ADDRESS = "0.0.0.0"  # noqa: S104 (whoever asks; not NULL, or two requests at once would make two rows)


class Bucket(NamedTuple):
    """So many failures at once, then one more each time one has leaked out."""

    name: str
    size: int
    leaks_every: timedelta


COUNTED = "smartplus.counted_tries"  # in the request's environment: what this try was counted under
# A firm of thirty behind one address mistypes less than this; one address tries 84 passwords an hour at most, whatever the names.
NETWORK = Bucket("network", 30, timedelta(minutes=1))
# However many addresses somebody has: 20 tries, then 48 a day.
ACCOUNT = Bucket("account", 20, timedelta(minutes=30))
# Forms of one person that came after the session had ended: each takes a session row of an hour, and nobody is signed in.
FORMS = Bucket("form", 5, timedelta(minutes=5))


def client_address(request: HttpRequest) -> str | None:
    """The address the request came from: what our one proxy saw, or who is connected if there is none.

    Of X-Forwarded-For only the last entry is the proxy's own; those before it are whatever the client claimed.
    An IPv6 address stands for its /64, since every customer has that many to choose from.
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
    """The address somebody tries to sign in with, as people are told apart."""
    given = credentials.get("username") if credentials else request.POST.get("username") if request else ""
    if not given:
        return ""
    known: dict[str, str] = {} if request is None else request.__dict__.setdefault("throttle_keys", {})
    if given not in known:  # django-axes asks many times
        known[given] = _key(given)
        known.setdefault(known[given], known[given])  # a key is its own key
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
    """The page that says how long to wait, and what the owner of the account can do meanwhile."""
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
    response["Retry-After"] = str(wait_s + 1)  # at the last instant it is still shut
    return response


def refuses_sign_in(request: HttpRequest, *, now: datetime) -> HttpResponse | None:
    """429 while too many tries failed from this network address or for this account; else the try is counted, until `forgive` takes it
    back: of many tries at once none slips through between looking and counting.

    Whoever proved a moment ago that the account's mailbox is theirs is not counted. Known and unknown accounts are treated alike.
    """
    name = username(request)
    if not name or not request.POST.get("password") or _has_pass(request, name, now):
        return None
    if not AxesProxyHandler.is_allowed(request, {"username": name}):
        return None  # the pair is locked: answered there, and not counted again
    counted: list[tuple[Bucket, str]] = []
    for bucket, who in ((NETWORK, client_address(request) or NO_ADDRESS), (ACCOUNT, _digest(name))):
        wait = _count(bucket, who, now)
        if wait is not None:
            _take_back(counted)
            return _rest(request, wait, is_network=bucket is NETWORK)
        counted.append((bucket, who))
    request.META[COUNTED] = counted
    return None


def may_keep_form(user_id: int, *, now: datetime) -> bool:
    """Count one more form that is to wait for this person to sign in; False while there were too many."""
    return _count(FORMS, str(user_id), now) is None


def forgive(request: HttpRequest) -> None:
    """The password was right: this try counts for nothing. Those before go on counting, or an own account would clear the count of an
    address that guesses at others."""
    _take_back(request.META.get(COUNTED, []))
    request.session.pop(PASS, None)


def let_pass(request: HttpRequest, email: str, *, now: datetime) -> None:
    """For a quarter of an hour this browser may try to sign in as this person: the mailbox is proved. Five wrong passwords lock it again."""
    forget_failures(email)
    request.session[PASS] = [_digest(_key(email)), now.timestamp() + PASS_FOR_S]


def forget_failures(email: str) -> None:
    """Let a person try again at once, from wherever: they have just proved that the mailbox is theirs."""
    AxesProxyHandler.reset_attempts(username=_key(email))


def _has_pass(request: HttpRequest, name: str, now: datetime) -> bool:
    whose, until = request.session.get(PASS, ["", 0])
    return bool(whose == _digest(name) and now.timestamp() < until)


@transaction.atomic
def _count(bucket: Bucket, who: str, now: datetime) -> timedelta | None:
    """Put one more into the bucket; if it is full, nothing is put in and the answer is how long until one fits."""
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
    """What is kept of the name of an account that somebody tried, since it may be nobody's or a password typed into the wrong field."""
    return salted_hmac("smartplus.throttle", name, algorithm="sha256").hexdigest()


def refuses_codes(request: HttpRequest, user: User) -> HttpResponse | None:
    """429 while too many wrong codes of this person came from this address; counted apart from passwords, so that the right
    password is no way to a fresh count."""
    credentials = _code_credentials(user)
    return None if AxesProxyHandler.is_allowed(request, credentials) else locked(request, credentials=credentials)


def count_wrong_code(request: HttpRequest, user: User) -> None:
    """One more; the last one that is allowed answers 429 by itself."""
    AxesProxyHandler.user_login_failed(sender=__name__, credentials=_code_credentials(user), request=request)


def forget_wrong_codes(user: User) -> None:
    """A right code ends the count."""
    AxesProxyHandler.reset_attempts(username=_code_credentials(user)["username"])


def _code_credentials(user: User) -> dict[str, str]:
    return {"username": _key(CODE_PREFIX + user.email)}


def may_mail(kind: str, email: str, *, now: datetime) -> bool:
    """Count one more mail of this kind, RESET_PREFIX or LINK_PREFIX, to this address; False once there were RESET_MAILS within
    RESET_WINDOW."""
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
