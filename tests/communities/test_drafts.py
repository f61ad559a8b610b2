"""Drafts of sites: saved part by part, seen by the installer's people only, copied from a site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist

from accounts.errors import NotPermitted, Refused
from communities import drafts as data
from communities.actions import drafts
from communities.models import Apartment, Building, Site, SiteDraft
from tests.people import NOW, People

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.mark.rule("R1", "R2")
def test_a_draft_is_the_installers_and_nobody_elses(people: People) -> None:
    draft = drafts.start_draft(people.ivan.actor, parts={"basics": {"name": "Kai"}}, now=NOW)
    assert (draft.installer, draft.distributor, draft.subdistributor) == (people.ivan.firm, people.dora.firm, None)
    seen = {name: SiteDraft.objects.visible_to(getattr(people, name).actor).count() for name in People.__annotations__}
    assert {name for name, n in seen.items() if n} == {"ivan"}
    for name in People.__annotations__:
        if name != "ivan":
            with pytest.raises((NotPermitted, ObjectDoesNotExist)):
                drafts.save_draft(
                    getattr(people, name).actor, draft_id=draft.pk, parts={"basics": {}}, step="review", now=LATER
                )
            with pytest.raises((NotPermitted, ObjectDoesNotExist)):
                drafts.delete_draft(getattr(people, name).actor, draft_id=draft.pk, now=LATER)
    draft.refresh_from_db()
    assert (draft.name, draft.step, draft.version) == ("Kai", "basics", 1)


def test_each_part_is_saved_alone_and_devices_row_by_row(people: People) -> None:
    actor = people.ivan.actor
    draft = drafts.start_draft(actor, parts={"basics": {"name": " Kai  House\x00 "}}, now=NOW)
    rows = {"b1/1.01": {"mac": "0C"}, "b1/1.02": {"mac": "0D"}}
    drafts.save_draft(
        actor, draft_id=draft.pk, parts={"devices": {"rows": rows}}, step="devices", apartments=12, now=LATER
    )
    drafts.save_draft(
        actor, draft_id=draft.pk, parts={"devices": {"rows": {"b1/1.02": None, "b1/1.03": {"mac": "0E"}}, "may_wait": True}}, step="review", now=LATER
    )  # fmt: skip
    draft.refresh_from_db()
    assert draft.data["devices"] == {"rows": {"b1/1.01": {"mac": "0C"}, "b1/1.03": {"mac": "0E"}}, "may_wait": True}
    assert (draft.name, draft.data["basics"]["name"]) == ("Kai House", " Kai  House ")
    assert (draft.apartments, draft.step, draft.version, draft.updated_at) == (12, "review", 3, LATER)


def test_what_a_page_saves_in_passing_is_too_late_once_its_form_was_sent(people: People) -> None:
    actor = people.ivan.actor
    draft = drafts.start_draft(actor, parts={}, now=NOW)

    def save(name: str, form: str, *, in_passing: bool) -> str:
        saved = drafts.save_draft(
            actor, draft_id=draft.pk, parts={"basics": {"name": name}}, step="basics", form=form, in_passing=in_passing, now=LATER
        )  # fmt: skip
        return saved.name

    assert save("Typed", "a", in_passing=True) == "Typed"
    assert save("Sent", "a", in_passing=False) == "Sent"
    assert save("Late", "a", in_passing=True) == "Sent"
    assert save("On another page", "b", in_passing=True) == "On another page"


def test_an_unknown_step_and_too_much_are_refused(people: People) -> None:
    actor = people.ivan.actor
    draft = drafts.start_draft(actor, parts={}, now=NOW)
    with pytest.raises(Refused, match="no step"):
        drafts.save_draft(actor, draft_id=draft.pk, parts={}, step="end", now=NOW)
    with pytest.raises(Refused, match="too much for one draft"):
        drafts.save_draft(
            actor, draft_id=draft.pk, parts={"buildings": [{"pasted": "x" * data.LARGEST}]}, step="basics", now=NOW
        )
    draft.refresh_from_db()
    assert draft.version == 1


def test_data_of_another_shape_is_read_as_empty() -> None:
    assert data.upgraded({"basics": [], "buildings": {"a": 1}, "other": 2}) == data.upgraded({})


@pytest.mark.rule("R1")
def test_a_copy_has_services_and_structure_but_neither_people_nor_devices(
    people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]
) -> None:
    site = make_site("Harbour View", booking=True, landline=True)
    make_apartment(site, "1.01")
    make_apartment(site, "2.01", indoor_monitor=False, landline=False)
    Building.objects.filter(site=site).update(name="Quay House")
    draft = drafts.copy_site(people.ivan.actor, site_id=site.pk, now=LATER)
    copied = draft.data
    assert (copied["source"], copied["basics"]["name"], copied["basics"]["country"], copied["basics"]["free_members"]) == (
        "Harbour View", "", "DE", 4,
    )  # fmt: skip
    assert {code for code, on in copied["services"].items() if on == "on"} == {"indoor_monitor", "booking", "landline"}
    assert copied["buildings"] == [
        {
            "id": "b1", "name": "Quay House", "mode": "list", "pasted": "1.01; 1\n2.01; 2",
            "switches": {"2.01": {"indoor_monitor": False, "landline": False}},
        }
    ]  # fmt: skip
    assert (draft.apartments, copied["devices"], "Resident" in str(copied)) == (2, {}, False)
    for person in (people.dora, people.tess, people.igor):
        with pytest.raises((NotPermitted, ObjectDoesNotExist)):
            drafts.copy_site(person.actor, site_id=site.pk, now=LATER)
