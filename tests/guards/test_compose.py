"""What Compose would start: one door, one password, versions that are named, and a pulse for every process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from smartplus import environment
from smartplus.heartbeats import Sign

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file, with its anchors resolved."""
    return dict(yaml.safe_load(FILE.read_text()))


def test_nothing_but_the_proxy_is_reached_from_outside(compose: dict[str, Any]) -> None:
    assert {name: row["ports"] for name, row in compose["services"].items() if "ports" in row} == {
        "proxy": ["80:80", "443:443"]
    }
    assert compose["networks"]["data"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["data"]
    assert compose["services"]["proxy"]["networks"] == ["edge"]


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    images = [row["image"] for row in compose["services"].values() if "build" not in row]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.M)
    assert len(images) == 4
    assert [image for image in images if not re.fullmatch(r"\w+:\d+\.\d+\.?\d*(-\w+)+", image)] == []


def test_every_process_that_stays_has_a_pulse(compose: dict[str, Any]) -> None:
    staying = {name: row for name, row in compose["services"].items() if name not in {"migrate", "proxy"}}
    assert all("healthcheck" in row for row in staying.values())
    for name in ("web", "worker", "gateway-worker", "beat"):
        assert staying[name]["healthcheck"]["test"] == ["CMD", "python", "manage.py", "alive", name]
    assert {Sign.WORKER, Sign.GATEWAYS, Sign.BEAT} == {"worker", "gateway-worker", "beat"}


def test_there_is_one_password(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert asked == {"POSTGRES_PASSWORD", "SITE_URL"}
    given = compose["services"]["web"]["environment"] | {"POSTGRES_PASSWORD": "p@ss/w:rd"}
    found = environment.database_url(environment.Given(given), Path("unused"))
    assert found == "postgres://smartplus:p%40ss%2Fw%3Ard@postgres/smartplus"
    assert compose["services"]["postgres"]["environment"]["POSTGRES_USER"] == "smartplus"


def test_the_proxies_of_the_examples_set_what_is_believed_of_them() -> None:
    nginx, caddy = (ROOT / "deploy" / name for name in ("nginx.conf", "Caddyfile"))
    for header in ("Host", "X-Forwarded-Proto", "X-Forwarded-For", "X-Request-ID"):
        assert f"proxy_set_header {header} " in nginx.read_text()
    assert "header_up X-Request-ID" in caddy.read_text()  # the others it sets by itself


def test_the_proxies_of_the_examples_let_no_header_pass_for_one_of_theirs() -> None:
    """WSGI makes HTTP_X_FORWARDED_FOR of X_Forwarded_For too, and the web server takes the last."""
    nginx, caddy = (ROOT / "deploy" / name for name in ("nginx.conf", "Caddyfile"))
    assert re.search(r"(?m)^\s*underscores_in_headers off;", nginx.read_text())
    assert re.search(r"(?m)^\s*header_up -\*_\*$", caddy.read_text())


def test_what_stands_in_env_makes_no_demo_of_it(compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose puts `.env` into the environment of each process, where the demo is asked for; its own word comes after."""
    ours = [row for row in compose["services"].values() if "env_file" in row]
    assert len(ours) >= 4
    for row in ours:
        monkeypatch.setenv("SMARTPLUS_DEMO", row["environment"].get("SMARTPLUS_DEMO", "1"))
        assert not environment.is_demo()
