"""A person's own profile: name, language and time zone."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from tests.portal.html import assert_clean

pytestmark = pytest.mark.django_db


def test_ivan_changes_name_language_and_time_zone_and_the_log_names_fields_only(people, sign_in):
    client = sign_in(people.ivan)
    response = client.post("/settings/", {"name": "Ivan B.", "language": "de", "time_zone": "Europe/Vienna"})
    assert response["Location"] == "/settings/"
    user = people.ivan.membership.user
    user.refresh_from_db()
    assert (user.name, user.language, user.time_zone) == ("Ivan B.", "de", "Europe/Vienna")
    (event,) = AuditEvent.objects.filter(action="profile.changed")
    assert event.after == {"fields": ["language", "name", "time_zone"]}
    assert "Ivan B." not in f"{event.before}{event.after}{event.subject_label}"
    assert '<html lang="de"' in client.get("/settings/").content.decode()


def test_a_refused_profile_changes_nothing_and_says_why(people, sign_in):
    client = sign_in(people.ivan)
    response = client.post("/settings/", {"name": "", "language": "tlh", "time_zone": "Mars/Olympus"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Nothing was saved: 3 things need correcting." in page
    assert 'aria-describedby="id_name_error"' in page
    assert "Ivan Brandt" in page  # the menu still knows who it is
    assert_clean(page)
    assert not AuditEvent.objects.filter(action="profile.changed").exists()


def test_saving_an_unchanged_profile_writes_no_log(people, sign_in):
    user = people.ivan.membership.user
    form = {"name": user.name, "language": user.language, "time_zone": user.time_zone}
    assert sign_in(people.ivan).post("/settings/", form).status_code == 302
    assert not AuditEvent.objects.filter(action="profile.changed").exists()
