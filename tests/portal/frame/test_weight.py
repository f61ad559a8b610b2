"""What a page weighs on the line: all styles and all scripts together, compressed; and that pages are compressed at all."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from accounts.typed.zones import every
from communities.models import Site
from smartplus.portal.kit import countries

KB = 1024
CSS, JS = 45 * KB, 30 * KB
PAGES = (
    "/dashboard/", "/sites/", "/sites/new/", "/users/", "/users/installers/new/", "/library/", "/subscription/", "/subscription/auto-renew/",
    "/orders/", "/settings/", "/settings/security/", "/settings/audit/", "/requests/", "/search/?q=x", "/help/", "/nothing/",
)  # fmt: skip


FORMS = {  # every page with a country or a time zone in a form, and who fills it in
    "/sites/new/": "ivan", "/users/new/?kind=manager": "ivan", "/users/new/?kind=installer": "dora", "/settings/": "ivan",
    "/settings/billing/": "dora", "/setup/seller/": "olga",
}  # fmt: skip
FORM = 16 * KB  # gzipped, with the menu and everything around it
LONG = 30  # names of countries or of zones


def names_in(page: str) -> int:
    """How many countries or time zones a page names, whichever are more. The states of one country are another list."""
    page = re.sub(r'<select name="state".*?</select>', "", page, flags=re.DOTALL)
    listed = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)', page)
    words = {word for pair in listed for word in pair}
    known = {word for pair in countries.names("en") for word in pair}
    return max(len(words & known), len(words & set(every())))


def weight(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in paths)


def loaded(page: str) -> tuple[list[Path], list[Path]]:
    """The styles and the scripts a page asks for."""
    css = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    js = re.findall(r'<script[^>]* src="([^"]+)"', page)
    assert len(css) == page.count('rel="stylesheet"'), "one is written otherwise than this test reads it"
    assert len(js) == page.count("<script"), "one is written otherwise than this test reads it"
    return [found(address) for address in css], [found(address) for address in js]


def found(address: str) -> Path:
    assert address.startswith(settings.STATIC_URL), f"{address} is not ours to serve"
    path = finders.find(address.removeprefix(settings.STATIC_URL))
    assert path, address
    return Path(path)


def test_no_page_loads_more_styles_and_scripts_than_a_slow_phone_can_bear(people, sign_in):
    everything = settings.BASE_DIR / "static" / "sp"
    assert weight(sorted(everything.glob("*.css"))) <= CSS  # all there are, whatever page loads which
    for person in (people.dora, people.ivan, people.olga):
        client, seen = sign_in(person), 0
        for address in PAGES:
            response = client.get(address)
            if response.status_code == 200 or address == "/nothing/":
                css, js = loaded(response.content.decode())
                assert css and js, address
                assert weight(css) <= CSS, address
                assert weight(js) <= JS, address
                seen += 1
        assert seen > 8, person


def test_all_scripts_together_are_light():
    """However many a page takes of them: htmx and all of ours."""
    htmx = finders.find("django_htmx/htmx-2.min.js")
    assert htmx
    assert weight([Path(htmx), *sorted((settings.BASE_DIR / "static" / "sp").glob("*.js"))]) <= JS


def test_a_page_is_compressed_and_its_length_says_nothing(people, sign_in):
    client = sign_in(people.dora)
    answers = [client.get("/nothing/", headers={"accept-encoding": "gzip"}) for _ in range(12)]
    assert all(answer["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer["Vary"] for answer in answers)
    assert len({gzip.decompress(answer.content) for answer in answers}) == 1  # the same page
    assert len({len(answer.content) for answer in answers}) > 1  # padded by a random number of bytes each time
    assert "Content-Encoding" not in client.get("/nothing/")


@pytest.mark.parametrize("address", ["/orders/", "/settings/"])
def test_the_form_token_is_masked_anew_in_every_answer(people, sign_in, address):
    client = sign_in(people.dora)
    pages = [client.get(address).content.decode() for _ in range(4)]
    tokens = [token for page in pages for token in re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]]
    assert len(set(tokens)) == 4


def test_the_counting_of_names_sees_a_long_list():
    """As forms carried it once; a list in the page is what the next tests must be able to see."""
    for values in ([code for code, _name in countries.names("en")], every()):
        assert names_in("".join(f'<option value="{value}">x</option>' for value in values)) == len(values)


@pytest.mark.parametrize("address", FORMS)
def test_a_form_carries_no_long_list(people, sign_in, address):
    answer = sign_in(getattr(people, FORMS[address])).get(address)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="id_country' in page or 'id="id_time_zone' in page
    assert names_in(page) <= LONG
    assert len(gzip.compress(answer.content, 6)) <= FORM


def test_the_form_of_the_country_with_most_zones_is_no_exception(people, sign_in, make_site):
    make_site()
    Site.objects.update(country="US", time_zone="America/New_York")
    page = sign_in(people.ivan).get(f"/sites/{Site.objects.get().pk}/edit/").content
    assert 1 < names_in(page.decode()) <= LONG
    assert len(gzip.compress(page, 6)) <= FORM


def test_no_page_anywhere_names_all_countries_or_zones(people, sign_in):
    for person in (people.dora, people.ivan, people.olga):
        client = sign_in(person)
        pages = [answer for address in PAGES if (answer := client.get(address)).status_code == 200]
        assert len(pages) > 8
        assert [(page.request["PATH_INFO"], n) for page in pages if (n := names_in(page.content.decode())) > LONG] == []
