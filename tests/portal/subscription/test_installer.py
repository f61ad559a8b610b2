"""The installer in the head of Subscription: one of a drop-down, of many by its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.html import escape

from smartplus.portal.subscription import views
from tests.people import People, Person


def test_of_many_installers_one_is_chosen_by_its_name(
    people: People, sign_in: Callable[[Person], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = sign_in(people.dora)
    page = dora.get("/subscription/")
    few = [installer.name for installer in page.context["installers"]]
    assert len(few) > 1
    monkeypatch.setattr(views, "OFFERED", 1)
    page = dora.get(f"/subscription/?installer={people.ivan.firm.pk}")
    assert "installer-names" in page.content.decode()
    assert "<select" not in page.content.decode().split("</form>")[0].rpartition("<form")[2]
    listed = dora.get("/subscription/installers/").content.decode()
    assert [name for name in few if escape(name) not in listed] == []
    assert dora.get("/subscription/installers/?installer_name=intercom").content.decode().count("<option") == 1
    for name in (people.ivan.firm.name, "hafen"):
        assert dora.get("/subscription/", {"installer_name": name}).context["choice"].installer == people.ivan.firm
    typed = {"installer": str(people.ivan.firm.pk), "installer_name": people.mallory.firm.name}
    stays = dora.get("/subscription/", typed)
    assert stays.context["choice"].installer == people.ivan.firm
    assert "There is no one installer called" in stays.content.decode()
    assert escape(people.mallory.firm.name) not in listed
