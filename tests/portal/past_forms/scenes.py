"""Signing in, sending late, and what the page says then."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from tests.people import PASSWORD, Person
from tests.portal.html import form_in

NOT_DONE = "What you sent before was not done. If you still want it, please do it again."
SAID = "What you had typed is here again. It is not saved yet."


def enter(client: Client, person: Person, address: str = "/sign-in/") -> Any:
    form = form_in(client.get(address).content, "password")
    return client.post("/sign-in/", {**form, "username": person.email, "password": PASSWORD})


def says(page: bytes) -> bool:
    """Whether the page tells of it, beside the words that every page has ready for its script."""
    return page.decode().count(SAID) > 1


def send(client: Client, address: str, form: dict[str, Any]) -> str:
    """Post it from its page; where the answer leads to sign in."""
    late = client.post(address, form, headers={"referer": f"http://testserver{address}"})
    if late.status_code == 302:
        return str(late["Location"])
    assert late.status_code == 403
    (way,) = re.findall(r'<a class="b p" href="(/sign-in/[^"]*)"', late.content.decode())
    return str(way)
