"""Registration codes in tests: printed, asked with, confirmed."""

from __future__ import annotations

import re

from accounts.models import Notice
from communities.actions import registrations
from communities.actions.registrations import Printed
from communities.models import Apartment, Registration, Resident
from tests.people import NOW, Person


def printed(by: Person, flat: Apartment) -> Printed:
    """A code of an apartment with what stands on its sheet."""
    return registrations.make_code(by.actor, apartment_id=flat.pk, now=NOW)


def asked(token: str, name: str = "Kim") -> Registration:
    """Somebody filled in the form behind a code."""
    email = f"{name.lower()}@example.org"
    return registrations.ask_to_register(token=token, name=name, email=email, language="en", now=NOW)


def token_of_last_mail() -> str:
    """The token in the mail that confirms an address."""
    found = re.search(r"/join/confirm/([^/\s]+)/", Notice.objects.latest("pk").body)
    assert found is not None
    return found[1]


def registered(token: str, name: str = "Kim") -> Resident:
    """Somebody asked and confirmed."""
    asked(token, name)
    return registrations.confirm_registration(token=token_of_last_mail(), now=NOW)
