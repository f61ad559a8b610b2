"""How often one may try: what django-axes counts by, what it answers, and the same counting for password mails."""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import User

RESET_MAILS = 3  # to one person within RESET_WINDOW; each link works, so more would only fill the mailbox
RESET_WINDOW = timedelta(minutes=15)
RESET_PREFIX = "password-reset "  # no address has a space, so these rows never meet those of the sign-in
CODE_PREFIX = "second-factor "
NO_ADDRESS = "0.0.0.0"  # noqa: S104 (whoever asks; not NULL, or two requests at once would make two rows)


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
    """The address somebody tries to sign in with, as people are told apart: casefolded."""
    given = credentials.get("username") if credentials else request.POST.get("username") if request else ""
    return _key(given or "")


def locked(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429 with the time to wait; the same for known and unknown addresses, right and wrong passwords."""
    tried = AccessAttempt.objects.filter(username=username(request, credentials), ip_address=client_address(request))
    last = tried.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    is_code = username(request, credentials).startswith(CODE_PREFIX)
    wait_s = max(0, math.ceil((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
    context = {"minutes": max(1, math.ceil(wait_s / 60)), "is_code": is_code}
    response = render(request, "auth/locked.html", context, status=429)
    response["Retry-After"] = str(wait_s + 1)  # at the last instant it is still shut
    return response


def forget_failures(email: str) -> None:
    """Let a person try again at once, from wherever: they have just proved that the mailbox is theirs."""
    AxesProxyHandler.reset_attempts(username=_key(email))


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


def may_mail_reset(email: str, *, now: datetime) -> bool:
    """Count one more password mail to this address; False once there were RESET_MAILS within RESET_WINDOW."""
    with transaction.atomic():
        attempts = AccessAttempt.objects.filter(username__startswith=RESET_PREFIX)
        attempts.filter(attempt_time__lte=now - RESET_WINDOW).delete()
        row, is_first = AccessAttempt.objects.select_for_update().get_or_create(
            username=(RESET_PREFIX + _key(email))[:255],
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
    return email.replace("\0", "").strip().casefold()[:255]
