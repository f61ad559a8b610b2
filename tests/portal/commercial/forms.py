"""Forms of commercial sites as a browser sends them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from communities.models import CommercialAccount, Site
from tests.sites import ADDRESS


def works_form(name: str = "Speicher 7 Offices", **changes: Any) -> dict[str, Any]:
    """Add Commercial Site; None leaves a field out, as a switch that is off."""
    form = {"name": name, **ADDRESS, **changes}
    return {field: value for field, value in form.items() if value is not None}


def person_form(name: str = "Amira Benali", **changes: Any) -> dict[str, Any]:
    """Add person, with the intercom on."""
    email = f"{name.lower().replace(' ', '.').replace('ö', 'oe').replace('å', 'a')}@speicher7.example"
    form: dict[str, Any] = {"kind": "personnel", "name": name, "email": email, "mobile": "", "intercom": "on"}
    return {field: value for field, value in (form | changes).items() if value is not None}


def person(client: Client, site: Site, name: str = "Amira Benali", **changes: Any) -> CommercialAccount:
    """A new account."""
    answer = client.post(f"/sites/{site.pk}/accounts/new/", person_form(name, **changes))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return CommercialAccount.objects.latest("pk")


def door(client: Client, site: Site, name: str, **changes: Any) -> Any:
    """Add a door."""
    form = {"name": name, "model": "", "mac": "", **changes}
    return client.post(f"/sites/{site.pk}/equipment/new/door/", form)


def switch(client: Client, site: Site, wanted: dict[CommercialAccount, bool]) -> Any:
    """Apply the switches of a page of people."""
    rows = [f"{row.pk}:{CommercialAccount.objects.get(pk=row.pk).version}" for row in wanted]
    on = [str(row.pk) for row, is_on in wanted.items() if is_on]
    return client.post(f"/sites/{site.pk}/accounts/switch/", {"row": rows, "on": on}, follow=True)
