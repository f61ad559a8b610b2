"""What a production installation looks like from its environment alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "kD7-t2qWz9XvB4nLm8RfYp3HcJs6GaEu0TiOoQx5ZwV1bN_yMrCl"
LOOK = """
import django, json; django.setup()
from django.conf import settings
from django.test import Client
client = Client(SERVER_NAME="portal.example")
answer, redirect = client.get("/healthz", secure=True), client.get("/settings/?next=1")
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({
    "settings": {name: getattr(settings, name) for name in names if isinstance(getattr(settings, name), str | int | None)},
    "csp": settings.CONTENT_SECURITY_POLICY["DIRECTIVES"], "first": settings.MIDDLEWARE[0], "backend": settings.AUTHENTICATION_BACKENDS[0],
    "headers": dict(answer.items()), "redirect": [redirect.status_code, redirect["Location"]],
}))
"""


def run(tmp_path: Path, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Start Python with nothing in the environment but what a production installation is given, and `changes`."""
    environment = {
        "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "smartplus.settings", "SMARTPLUS_VAR": str(tmp_path), "SMARTPLUS_DEMO": "0",
        "SECRET_KEY": SECRET, "SITE_URL": "https://portal.example", "ALLOWED_HOSTS": "portal.example", "BEHIND_PROXY": "false",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}", "REDIS_URL": "redis://127.0.0.1:6379/0", "DEBUG": "false",
        "STRIPE_API_BASE": "", "STRIPE_SECRET_KEY": "not-a-real-key-of-the-gateway", "EMAIL_URL": "smtp://localhost:25",
    } | changes  # fmt: skip
    return subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_the_deployment_check_has_nothing_to_say(tmp_path):
    whole = {"BEHIND_PROXY": "true", "STRIPE_WEBHOOK_SECRET": "not-a-real-one"}
    command = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    done = run(tmp_path, "-W", "error::DeprecationWarning:smartplus", *command, **whole)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "(" in line] == [
        "?: (setup.database) The database can't be read yet, so what it holds was not looked at.",
        "System check identified 1 issue (1 silenced).",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"STRIPE_SECRET_KEY": ""}, "(setup.gateway_keys) Stripe is not set up."),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "(setup.gateway_keys:webhook) Stripe's webhook has no secret."),
        ({"EMAIL_URL": ""}, "(setup.mail) Mail is not set up."),
        ({"BEHIND_PROXY": "false"}, "(setup.address) Address and https."),
    ],
)
def test_the_deployment_check_fails_where_the_set_up_does(tmp_path, changes, said):
    whole = {"BEHIND_PROXY": "true", "STRIPE_WEBHOOK_SECRET": "not-a-real-one"}
    done = run(tmp_path, "manage.py", "check", "--deploy", **(whole | changes))
    assert done.returncode == 1
    assert said in done.stderr


def test_it_does_not_start_without_a_secret_key(tmp_path):
    done = run(tmp_path, "manage.py", "check", SECRET_KEY="")
    assert done.returncode == 1
    assert "SECRET_KEY is not set." in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """The settings of a production installation, and how it answers."""
    done = run(tmp_path_factory.mktemp("var"), "-c", LOOK)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_cookies_and_pages_travel_by_https_only(look):
    settings = look["settings"]
    assert {name: settings[name] for name in settings if name.endswith(("COOKIE_SECURE", "COOKIE_HTTPONLY"))} == {
        "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SECURE": True, "CSRF_COOKIE_HTTPONLY": False, "LANGUAGE_COOKIE_SECURE": False, "LANGUAGE_COOKIE_HTTPONLY": False,
    }  # fmt: skip
    assert settings["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert look["redirect"] == [301, "https://portal.example/settings/?next=1"]
    assert look["headers"]["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_the_browser_is_told_to_run_only_what_is_ours(look):
    policy = look["headers"]["Content-Security-Policy"]
    assert not re.search("unsafe-inline|unsafe-eval|nonce|\\*|http:", policy)
    for name in ("default-src", "script-src", "style-src"):
        assert look["csp"][name] == ["'self'"]
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert look["csp"][name] == ["'none'"]
    assert look["csp"]["form-action"] == ["'self'", "https://checkout.stripe.com"]
    assert look["headers"]["X-Frame-Options"] == "DENY"
    assert look["headers"]["X-Content-Type-Options"] == "nosniff"
    assert look["headers"]["Referrer-Policy"] == "same-origin"


def test_production_is_neither_a_demo_nor_talkative(look):
    settings = look["settings"]
    assert (settings["DEBUG"], settings["DEMO"], settings["TESTING"]) == (False, False, False)
    assert settings["LOG_FORMAT"] == "json"
    assert settings["SECURE_PROXY_SSL_HEADER"] is None
    assert look["first"] == "smartplus.middleware.RequestMiddleware"
    assert look["backend"] == "axes.backends.AxesStandaloneBackend"


@pytest.mark.parametrize(
    ("changes", "expected"), [({"DEBUG": "true"}, "plain"), ({"LOG_FORMAT": "json", "DEBUG": "true"}, "json")]
)
def test_a_terminal_gets_text_unless_told_otherwise(tmp_path, changes, expected):
    done = run(tmp_path, "-c", "from smartplus import settings; print(settings.LOG_FORMAT)", **changes)
    assert done.stdout == f"{expected}\n", done.stderr


BROKER = """
from smartplus import settings
print(settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"], settings.CELERY_TASK_DEFAULT_QUEUE)
"""


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "portal-example"),
        ({"SITE_URL": "https://other.example:8443"}, "other-example-8443"),
        ({"INSTALLATION_NAME": "Nordlys 2"}, "nordlys-2"),
    ],
)
def test_several_installations_may_share_a_redis(tmp_path, given, name):
    done = run(tmp_path, "-c", BROKER, **given)
    assert done.stdout == f"{name}: {name}\n", done.stderr


HTTPS = "from smartplus import settings as s; print(s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"


@pytest.mark.parametrize(
    ("site_url", "is_secure"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("https://127.0.0.1", True),
        ("http://192.168.1.5:8000", True),  # over a network nothing travels in the clear
        ("http://127.0.0.1.example.com", True),
    ],
)
def test_plain_http_is_for_this_machine_alone(tmp_path, site_url, is_secure):
    done = run(tmp_path, "-c", HTTPS, SITE_URL=site_url)
    assert done.stdout == f"{is_secure} {is_secure} {is_secure}\n", done.stderr
