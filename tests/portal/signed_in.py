"""Coming in as people do: with the password, and with the code of an app."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone
from django_otp.oath import hotp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import two_factor
from accounts.actions import two_factor as actions
from tests.people import PASSWORD, Person

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)


def enter(person: Person, client: Client | None = None, *, password: str = PASSWORD, **extra: Any) -> Client:
    """Sign in with the password."""
    client = client or Client()
    client.post("/sign-in/", {"username": person.email, "password": password, **extra.pop("data", {})}, **extra)
    return client


def code_of(person: Person) -> str:
    """What the person's app shows."""
    return code_for(TOTPDevice.objects.get(user=person.membership.user).key)


def code_for(key: str) -> str:
    """What an app with this secret shows."""
    return f"{hotp(bytes.fromhex(key), int(timezone.now().timestamp()) // 30):06d}"


def switch_on(person: Person, *, now: datetime) -> list[str]:
    """Two-factor for a person, set up a minute ago so that the code of now is fresh; returns the recovery codes."""
    key, user = two_factor.new_key(), person.membership.user
    codes = actions.begin_two_factor(user, key=key, code=code_for(key), password=PASSWORD, now=now)
    actions.switch_two_factor_on(person.actor, user, now=now)
    TOTPDevice.objects.filter(user=user).update(last_t=-1)
    return codes


def key_on(page: str) -> tuple[str, str]:
    """The signed secret in the form of the page, and the secret as an app gets it, in hex."""
    from base64 import b32decode

    signed = re.search(r'name="key" value="([^"]+)"', page)
    typed = re.search(r'<span class="mono key">([A-Z2-7 ]+)</span>', page)
    assert signed
    assert typed
    letters = typed.group(1).replace(" ", "")
    return signed.group(1), b32decode(letters + "=" * (-len(letters) % 8)).hex()


def codes_on(page: str) -> list[str]:
    """The recovery codes on the page."""
    return re.findall(r"<li>([0-9A-Z]{4}-[0-9A-Z]{4})</li>", page)


def wrong_for(right: str) -> str:
    """A code that is not the right one."""
    return f"{(int(right) + 500_000) % 1_000_000:06d}"
