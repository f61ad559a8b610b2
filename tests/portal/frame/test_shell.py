"""The frame around every page: menu, errors, language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from accounts.models import Membership, Organization
from communities.catalogue import SERVICES
from tests.portal.html import assert_clean, links_of, page_of

pytestmark = pytest.mark.django_db
EVERYBODY = ("olga", "dora", "sam", "ivan", "tess", "petra")
PUBLIC = (
    "/sign-in/",
    "/password-reset/",
    "/password-reset/sent/",
    "/password-reset/done/",
    "/password-reset/x/y/",
    "/terms/",
)
SIGNED_IN = (
    "/settings/", "/settings/password/", "/help/", "/terms/", "/nothing/",
    *(f"/help/services/{service.code}/" for service in SERVICES),
)  # fmt: skip


# What each role has to find, written down once more: the menu's own table can't be wrong by itself.
MENUS = {
    "olga": "dashboard sites users library orders payments prices setup settings",
    "dora": "dashboard sites users library subscription orders settings",
    "sam": "dashboard sites users subscription orders settings",
    "ivan": "dashboard sites users library subscription orders settings",
    "tess": "sites library settings",
    "petra": "dashboard sites orders settings",
}
MONEY = ("/subscription", "/orders", "/payments", "/prices", "/settings/billing", "/settings/methods", "/requests")


def menu_of(name: str) -> list[str]:
    return [f"/{word}/" for word in MENUS[name].split()]


@pytest.mark.parametrize("name", EVERYBODY)
def test_each_role_sees_its_own_menu_and_no_entry_without_a_page(people, sign_in, name):
    assert links_of(sign_in(getattr(people, name)).get("/help/").content, "nav-v") == menu_of(name)


@pytest.mark.parametrize("name", EVERYBODY)
def test_every_entry_of_ones_menu_may_be_opened(people, sign_in, name):
    client = sign_in(getattr(people, name))
    assert {address: client.get(address).status_code for address in menu_of(name)} == dict.fromkeys(menu_of(name), 200)


def test_tess_the_technician_has_no_way_to_money(people, sign_in):
    def ways(person) -> set[str]:
        client = sign_in(person)
        pages = [client.get(address).content.decode() for address in ("/sites/", "/settings/", "/help/")]
        links = [link for page in pages for link in re.findall(r'href="([^"]+)"', page)]
        return {way for way in MONEY for link in links if link.startswith(way)}

    assert {"/subscription", "/orders", "/settings/billing"} <= ways(people.ivan)  # where there is one it is seen
    assert ways(people.tess) == set()


def test_the_menu_marks_where_one_is(people, sign_in):
    page = page_of(sign_in(people.tess).get("/settings/password/"))
    assert '<a href="/settings/password/" aria-current="page"> Password</a>' in page
    assert page.count('aria-current="page"') == 4  # menu, tabs of narrow windows, crumb, the phone's menu


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages_are_clean(db, address):
    response = Client().get(address)
    assert response.status_code == 200
    assert_clean(response.content)


@pytest.mark.parametrize("name", ["dora", "petra"])
@pytest.mark.parametrize("address", SIGNED_IN)
def test_pages_of_signed_in_people_are_clean(people, sign_in, address, name):
    answer = sign_in(getattr(people, name)).get(address)
    assert answer.status_code == (404 if address == "/nothing/" else 200)  # what is refused is clean as well
    assert_clean(answer.content)


def test_the_content_security_policy_allows_nothing_inline(people, sign_in):
    policy = sign_in(people.dora).get("/settings/")["Content-Security-Policy"]
    rules = {rule.strip() for rule in policy.split(";")}
    assert {"script-src 'self'", "style-src 'self'", "object-src 'none'", "base-uri 'none'"} <= rules
    assert "unsafe" not in policy


# --- what goes wrong --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R1")
def test_the_404_page_is_the_same_bytes_wherever_it_is_met(people, sign_in):
    client = sign_in(people.ivan)
    absent = client.get("/nothing/")
    assert absent.status_code == 404
    pages = {
        absent.content,
        client.get("/settings/nothing/?q=17").content,
        client.get("/help/services/teleport/").content,
        client.post("/membership/", {"membership": people.mallory.membership.pk}).content,
        client.post("/membership/", {"membership": 10**9}).content,
    }
    assert len(pages) == 1
    assert b"There is nothing here" in absent.content
    assert b"csrfmiddlewaretoken" not in absent.content


def test_a_404_does_not_swallow_what_the_last_action_said(people, sign_in):
    client = sign_in(people.ivan)
    client.post("/settings/", {"name": "Ivan B.", "language": "en", "time_zone": "UTC"})
    assert "Your profile is saved." not in client.get("/nothing/").content.decode()
    assert "Your profile is saved." in client.get("/settings/").content.decode()


def test_strangers_get_the_404_page_without_a_menu(db):
    response = Client().get("/nothing/")
    assert response.status_code == 404
    assert b"nav-v" not in response.content
    assert_clean(response.content)


def test_a_form_from_elsewhere_is_refused_in_words(people, sign_in):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.ivan.membership.user, backend="accounts.backends.EmailBackend")
    response = client.post(
        "/settings/", {"name": "Mallory", "language": "en", "time_zone": "UTC"}
    )  # right but for that
    assert response.status_code == 403
    assert "This form was open for too long" in response.content.decode()
    assert_clean(response.content)
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.name == "Ivan Brandt"


def test_a_german_reader_leaves_neither_language_nor_time_zone_to_the_next_one_of_the_thread(people, sign_in):
    user = people.ivan.membership.user
    user.language, user.time_zone = "de", "Europe/Vienna"
    user.save()
    response = sign_in(people.ivan).get("/settings/")
    assert response["Content-Language"] == "de"
    assert 'lang="de"' in response.content.decode()
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en", "UTC")


def test_a_class_that_fills_the_screen_belongs_to_the_skeleton_alone():
    """Each panel of the price list was a screen high once: its table was called like the page of a stranger."""
    root = Path(settings.BASE_DIR)
    styles = "".join(path.read_text() for path in (root / "static" / "sp").glob("*.css"))
    styles = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)
    tall = {
        name
        for selectors in re.findall(r"([^{}]+)\{[^{}]*min-height: ?100d?vh", styles)
        for name in re.findall(r"(?:^|,)\s*\.([\w-]+)\s*(?=,|$)", selectors)
    }
    assert "bare" in tall
    skeleton = {"base.html", "bare.html", "sign_in/base.html"}
    for page in (root / "templates").rglob("*.html"):
        used = {name for text in re.findall(r'class="([^"]*)"', page.read_text()) for name in text.split()}
        if str(page.relative_to(root / "templates")) not in skeleton:
            assert not used & tall, page


def test_the_buttons_of_a_page_that_is_one_form_stand_in_its_foot():
    """One rule: a page that is a form has them in the bar at its foot; a form among other panels has them in its own panel."""
    root = Path(settings.BASE_DIR) / "templates"
    seen = 0
    for page in root.rglob("*.html"):
        text = page.read_text()
        forms = re.findall(r"<form\b[^>]*data-submit-once[^>]*>", text)
        if len(forms) == 1 and "narrow-page" in forms[0]:
            assert "{% block foot %}" in text, page
            assert '<button class="b p"' not in text.partition("{% block foot %}")[0], page
            seen += 1
    assert seen > 8


FIELDS = re.compile(r"{% field |include \"[^\"]*(?:_fields|_rights|_permissions|_sites|_mac)\.html")


def posted_forms() -> list[tuple[str, str]]:
    """Every form in which something is filled in that has its own buttons, with its template."""
    root = Path(settings.BASE_DIR) / "templates"
    return [
        (str(page.relative_to(root)), form)
        for page in sorted(root.rglob("*.html"))
        for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", page.read_text(), re.DOTALL)
        if FIELDS.search(form) and re.search(r'<button class="b(?! s")', form)
    ]


def test_every_form_inside_a_page_can_be_left_by_cancel():
    """A page that is a form has it in its foot; before signing in there is nothing to go back to."""
    found = [(page, form) for page, form in posted_forms() if 'class="gate-form"' not in form]
    assert {"security/tokens.html", "security/_on.html", "security/_steps.html", "requests/detail.html"} <= dict(
        found
    ).keys()
    assert [page for page, form in found if 'translate "Cancel"' not in form] == []


def test_a_page_asks_for_other_firms_only_where_a_person_has_some(people, sign_in, django_assert_num_queries):
    client = sign_in(people.petra)
    client.get("/help/")
    with django_assert_num_queries(1):  # the door's own
        assert "Work for another organization" not in client.get("/help/").content.decode()
    other = people.ivan.firm
    second = Membership.objects.create(user=people.petra.membership.user, organization=other, joined_at=timezone.now())
    text = page_of(client.get("/help/"))
    assert "Work for another organization" in text
    assert f'name="membership" value="{second.pk}"> {other.name}' in text
    Organization.objects.filter(pk=other.pk).update(is_active=False)  # usable no more
    assert "Work for another organization" not in client.get("/help/").content.decode()
