"""No gateway is called by its name outside `payments/` and the settings: what is above asks what it can do, and shows its own label."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from payments import gateways

HOUSE = Path(__file__).resolve().parents[2]
ABOVE = ("accounts", "communities", "devices", "subscriptions", "smartplus")
NAMES = {*settings.PAYMENT_GATEWAYS, "paypal"}  # and the next one that comes
PATTERN = re.compile("|".join(sorted(NAMES)), re.IGNORECASE)
# Who may name one all the same, and why; of `LINES` only a line that holds the word.
SAID = {
    "smartplus/settings.py": "lists the gateways and reads their keys",
    "smartplus/bench/floor.py": "is the bench, which rings like the sandbox",
    "smartplus/bench/money.py": "is the bench, which rings like the sandbox",
    "smartplus/scale/gateway.py": "is the demo's world for load, which starts a sandbox",
    "smartplus/scale/pattern.py": "is the demo's world for load, which rings like the sandbox",
    "accounts/models/organizations.py": "`pays_regular` is called so by S2, whatever is set up",
    "smartplus/portal/audit/values.py": "`pays_regular` is called so by S2, whatever is set up",
}
LINES = {"accounts/models/organizations.py": "pays_regular", "smartplus/portal/audit/values.py": "pays_regular"}


def sources() -> Iterator[Path]:
    for app in ABOVE:
        yield from (path for path in (HOUSE / app).rglob("*.py") if "migrations" not in path.parts)
    yield from (HOUSE / "templates").rglob("*.html")
    yield from (HOUSE / "templates").rglob("*.txt")
    yield from (path for path in (HOUSE / "static").rglob("*.js") if "vendor" not in path.parts)


def named(text: str, allowed: str = "") -> list[str]:
    """The lines that name a gateway, but those that hold `allowed`."""
    return [line.strip() for line in text.splitlines() if PATTERN.search(line) and not (allowed and allowed in line)]


def test_nobody_above_payments_names_a_gateway() -> None:
    found = {}
    for path in sources():
        where = str(path.relative_to(HOUSE))
        if (where not in SAID or where in LINES) and (lines := named(path.read_text(), LINES.get(where, ""))):
            found[where] = lines
    assert found == {}


def test_every_exception_is_still_needed() -> None:
    assert [where for where in SAID if not named((HOUSE / where).read_text())] == []


@pytest.mark.parametrize(
    "line",
    ['GATEWAY = "stripe"', "settings.STRIPE_SECRET_KEY", '{% translate "Stripe did not answer" %}', "# PayPal's"],
)
def test_the_guard_sees_a_name_wherever_it_stands(line: str) -> None:
    assert named(f"x\n{line}\ny") == [line]


@pytest.mark.parametrize("name", settings.PAYMENT_GATEWAYS)
def test_every_gateway_is_called_as_it_is_listed(name: str) -> None:
    assert gateways.get(name).name == name


@pytest.mark.parametrize("name", settings.PAYMENT_GATEWAYS)
def test_browsers_may_go_from_a_form_to_its_pages(name: str) -> None:
    allowed = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"]
    assert gateways.checkout(name).page_origins <= set(allowed)
