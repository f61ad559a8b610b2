"""Two people edit the same row: who saves second is told, sees the new values, and overwrites nothing."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from communities.models import Apartment, Resident, Site
from tests.people import People, Person


def test_a_resident_saved_by_a_colleague_is_not_overwritten(
    people: People,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Apartment],
    sign_in: Callable[[Person], Client],
) -> None:
    make_apartment(make_site())
    resident = Resident.objects.get()
    address = f"/residents/{resident.pk}/edit/"
    form = {
        "name": "By Ivan",
        "email": "i@example.org",
        "mobile": "",
        "language": "en",
        "remark": "",
        "version": resident.version,
    }
    assert sign_in(people.ivan).post(address, form).status_code == 302
    answer = sign_in(people.ivan).post(address, {**form, "name": "Too late"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody saved this in the meantime." in page
    assert 'value="By Ivan"' in page
    resident.refresh_from_db()
    assert (resident.name, resident.version) == ("By Ivan", 2)
