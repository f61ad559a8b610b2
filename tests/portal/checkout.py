"""From ticking to the button that pays."""

from __future__ import annotations

import re

from django.test import Client

from tests.people import People
from tests.portal.html import everything

BILLING = {
    "company": "Nordlys Distribution AS", "tax_number": "", "email": "accounts@nordlys.example", "street": "Storgata 8",
    "postal_code": "0155", "city": "Oslo", "state": "", "country": "NO", "version": "", "terms_version": "1",
}  # fmt: skip


def tick_all(client: Client, people: People, months: int = 1) -> str:
    address = f"/subscription/?installer={people.ivan.firm.pk}"
    answer = client.post(address, {"all": everything(client, address), "months": months, "action": "next"})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def fingerprint(page: str) -> str:
    found = re.search(r'name="fingerprint" value="([0-9a-f]{24})"', page)
    assert found
    return found[1]
