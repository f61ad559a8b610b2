"""What a page weighs on the line: all styles and all scripts together, compressed; and that pages are compressed at all."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

KB = 1024
CSS, JS = 45 * KB, 30 * KB
PAGES = (
    "/dashboard/", "/sites/", "/sites/new/", "/users/", "/users/installers/new/", "/library/", "/subscription/", "/subscription/auto-renew/",
    "/orders/", "/settings/", "/settings/security/", "/settings/audit/", "/requests/", "/search/?q=x", "/help/", "/nothing/",
)  # fmt: skip


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
