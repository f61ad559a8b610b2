"""What a line of the log says, and what it never says."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from celery.worker.request import Request
from django.conf import settings as django_settings
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from smartplus import access, logs
from smartplus.celery import TracedTask
from smartplus.redaction import redacted
from tests.people import PASSWORD

CARD_KEY = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
DETAIL = "DETAIL: Key (name)=(Petra Holm)."
PLANTED = (
    CARD_KEY,
    "rk_test_" + "51HxyzABCDEFGHIJKLMN",
    "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "sandbox_9f86d081884c7d659a2feaa0",
    "cs_test_a1B2c3D4e5F6_secret_fidkdWxOYHwnPyd1",
    "A21AAFEpH4PsADK7qSS7pSRsgzfENtu-Q1ysgEDVDESseMHBYXVJYE8ovjj68elIDy8nF26AwPhfXTIeWAZHSLIsQkSYz9ifg",
    "E" + "KxJ5_0y-" * 9 + "8hBfQm1",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "petra@holm.example",
    "Petra.Ünal+haus@verwaltung.example.de",
    "petra%40holm.example",
)
IN_PLACE = (
    ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
    ("{'HTTP_AUTHORIZATION': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
    ("sent with Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("password=correct horse battery", "horse"),
    ('{"new_password1": "correct horse battery"}', "horse"),
    ("<QueryDict: {'password': ['correct horse battery']}>", "horse"),
    ("Cookie: theme=dark; sessionid=k3v9x2; csrftoken=q1w2e3", "k3v9x2"),
    ("{'HTTP_COOKIE': 'sessionid=k3v9x2'}", "k3v9x2"),
    ("sessionid=k3v9x2", "k3v9x2"),
    ("csrfmiddlewaretoken=q1w2e3", "q1w2e3"),
    ("{'Stripe-Signature': 't=1700000000,v1=5257a869'}", "5257a869"),
    ("client_secret: 'hush-hush-hush'", "hush"),
    ("postgres://smartplus:pa55word@db:5432/smartplus", "pa55word"),
    ("GET /sites/?q=Petra+Holm&page=2 failed", "Petra"),
    ("https://api.example/v1/x?email=petra", "petra"),
    ("Not Found: /password-reset/MQ/c8x-0f1e2d/", "c8x-0f1e2d"),
    ("Gone: /sign-in/link/k3v9x2-Ab_c/", "k3v9x2"),
    ("Forbidden (CSRF token missing.): /address/k3v9x2-Ab_c/", "k3v9x2"),
    ("Gone: /mail/mute/WzcsIm9yZGVycyJd:k3v9x2/", "WzcsIm9y"),
    ("duplicate key\nDETAIL:  Failing row contains (7, Petra Holm,\n Kaistraße 14).\n", "Kaistraße"),
)


@contextmanager
def written(name: str, formatter: logging.Formatter | None = None):
    """The lines a logger writes through our formatter, as text, while inside."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter or logs.JsonFormatter())
    logger = logging.getLogger(name)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# --- pages that break, with everything that could leak ------------------------------------------------------------------------


@access.public
def breaks(request, number):
    raise DatabaseError(f"{CARD_KEY} of petra@holm.example: password={PASSWORD!r}\n{DETAIL}")


@access.public
def fine(request, number):
    return HttpResponse("fine")


urlpatterns = [
    path("breaks/<int:number>/", breaks),
    path("fine/<int:number>/", fine),
    path("", include("smartplus.urls")),
]
handler500 = "smartplus.portal.kit.errors.server_error"
handler404 = "smartplus.portal.kit.errors.not_found"


# --- hiding -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", PLANTED)
def test_keys_and_addresses_are_hidden_wherever_they_stand(secret):
    assert redacted(f"before {secret}, after") == "before ***, after"


@pytest.mark.parametrize(("text", "secret"), IN_PLACE)
def test_what_stands_behind_a_telling_name_is_hidden(text, secret):
    assert secret not in redacted(text)
    assert "***" in redacted(text)


def test_our_own_secrets_are_hidden_whatever_they_look_like():
    for name in ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        assert redacted(f"it is {getattr(django_settings, name)}!") == "it is ***!"


def test_ordinary_lines_stay_as_they_are():
    for text in (
        "order 2026-000017: the gateway did not answer within 20 s",
        "job gateway_events broke",
        "GET /sites/<int:site_id>/ 200 12.5 ms",
        "checkout session cs_test_1 of apartment 1.01 is paid (USD 24.00)",
    ):
        assert redacted(text) == text


def test_a_hostile_line_costs_no_more_than_its_length():
    """A child has two seconds of processor time, whatever the machine is doing; a quadratic pattern would need minutes."""
    code = (
        "import django, resource; django.setup()\n"
        "from smartplus.redaction import redacted\n"
        "used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (int(used) + 3, int(used) + 3))\n"
        "lines = ['a' * 50_000, 'password' * 8_000, 'A21AA' + '-' * 50_000, 'a@' * 25_000, '?a=' * 20_000, 'DETAIL:' * 8_000]\n"
        "print(sum(bool(redacted(line)) for line in lines))\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stdout.strip()) == (0, "6"), child.stderr


# --- lines --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.PlainFormatter()])
def test_an_exception_keeps_its_type_and_place_but_not_its_secrets(formatter):
    log = logging.getLogger("tests.logs")
    with written("tests.logs", formatter) as stream:
        try:
            try:
                raise KeyError(CARD_KEY)
            except KeyError as problem:
                raise DatabaseError("for petra@holm.example") from problem
        except DatabaseError:
            log.exception("broke for %s", "petra@holm.example", extra={"password": "hunter22", "status": 500})
    text = stream.getvalue()
    assert "DatabaseError: for ***" in text
    assert "KeyError: '***'" in text
    assert "test_logs.py" in text
    for secret in (CARD_KEY, "holm.example", "hunter22"):
        assert secret not in text


def test_a_json_line_has_these_fields():
    log = logging.getLogger("tests.logs")
    with written("tests.logs") as stream, logs.working_on("0123456789abcdef"):
        log.warning("two\nlines", extra={"user_id": 7, "anything": "else"})
    (line,) = lines_of(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING", "logger": "tests.logs", "message": "two\\nlines", "request_id": "0123456789abcdef", "user_id": 7,
    }  # fmt: skip


def test_a_wrong_placeholder_does_not_print_the_arguments():
    record = logging.LogRecord("tests.logs", logging.WARNING, __file__, 1, "%d things", (CARD_KEY,), None)
    assert json.loads(logs.JsonFormatter().format(record))["message"] == "%d things (its arguments do not fit)"


# --- requests -----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_request_leaves_one_line_with_numbers_instead_of_names(people, sign_in):
    client = sign_in(people.dora)
    with written("smartplus.requests") as stream:
        response = client.get("/settings/?q=Petra+Holm")
    (line,) = lines_of(stream)
    assert line["request_id"] == response["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/settings/", 200)
    assert (line["user_id"], line["organization_id"]) == (people.dora.actor.user_id, people.dora.actor.organization_id)
    assert isinstance(line["duration_ms"], float)
    assert "Petra" not in stream.getvalue()


@pytest.mark.django_db
def test_the_line_of_a_form_says_nothing_of_what_was_typed(people):
    with written("smartplus.requests") as stream, written("django") as django_stream, written("axes") as axes_stream:
        Client().post("/sign-in/?next=/settings/", {"username": people.dora.email, "password": "wrong horse battery"})
    (line,) = lines_of(stream)
    assert (line["method"], line["path"], line["status"]) == ("POST", "/sign-in/", 200)
    assert "user_id" not in line
    for text in (stream.getvalue(), django_stream.getvalue(), axes_stream.getvalue()):
        for secret in ("horse", "dora", "nordlys", "next="):
            assert secret not in text


@pytest.mark.django_db
@pytest.mark.urls("tests.portal.frame.test_logs")
def test_a_page_that_breaks_is_logged_without_form_cookies_and_query(people):
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "k3v9x2-cookie"
    with written("django") as stream:
        response = client.post(
            "/breaks/4711/?q=Harbour",
            {"iban": "DE89370400440532013000"},
            headers={"authorization": "Bearer t0k3n-t0k3n"},
        )
    assert response.status_code == 500
    (line,) = lines_of(stream)
    assert line["message"] == "Internal Server Error: /breaks/<int:number>/"
    assert line["request_id"] == response["X-Request-ID"]
    assert line["exception_type"] == "django.db.utils.DatabaseError"
    assert "in breaks" in line["exception"]
    for secret in (CARD_KEY, "holm.example", PASSWORD, "Petra", "k3v9x2", "Harbour", "DE8937", "t0k3n", "4711"):
        assert secret not in stream.getvalue()


@pytest.mark.django_db
@pytest.mark.urls("tests.portal.frame.test_logs")
def test_the_broken_page_shows_the_number_to_ask_about():
    response = Client(raise_request_exception=False).get("/breaks/1/")
    assert f"tell us this number: <code>{response['X-Request-ID']}</code>" in response.content.decode()


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_not_repeated():
    with written("django") as stream:
        response = Client().get("/petra-holm/kaistraße/?q=1")
    (line,) = lines_of(stream)
    assert line["message"] == "Not Found: (no route)"
    assert line["request_id"] == response["X-Request-ID"]


def test_django_has_no_handlers_of_its_own_that_would_mail_the_form_or_print_the_query():
    assert logging.getLogger("django").handlers == []
    assert logging.getLogger("django.server").handlers == []
    (handler,) = (one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    assert isinstance(handler.formatter, logs.PlainFormatter | logs.JsonFormatter)


# --- the id -------------------------------------------------------------------------------------------------------------------


@pytest.mark.urls("tests.portal.frame.test_logs")
@pytest.mark.parametrize(
    ("behind_proxy", "given", "is_taken"),
    [
        (True, "0123abcd-EF", True),
        (True, "x" * 64, True),
        (True, "x" * 65, False),
        (True, "short", False),
        (True, "spaces are not", False),
        (True, '"}{"level":"x"', False),
        (True, "zeile\nzwei-drei", False),
        (True, "ümlaut-ümlaut", False),
        (False, "0123abcd-EF", False),
    ],
)
def test_an_id_is_taken_from_a_trusted_proxy_only_and_only_if_well_formed(settings, behind_proxy, given, is_taken):
    settings.BEHIND_PROXY = behind_proxy
    response = Client().get("/fine/1/", headers={"X-Request-ID": given})
    assert (response["X-Request-ID"] == given) is is_taken
    assert logs.is_well_formed(response["X-Request-ID"])


@pytest.mark.urls("tests.portal.frame.test_logs")
def test_each_request_has_its_own_id_and_leaves_none_behind():
    ids = {Client().get("/fine/1/")["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3
    assert logs.current_id() == ""


def test_a_task_carries_the_id_of_the_request_that_published_it():
    seen = []
    app = Celery("tests", task_cls=TracedTask, broker="memory://", set_as_current=False)
    app.conf.task_default_queue = f"tests-{uuid.uuid4().hex}"

    @app.task(name="tests.remember_id")
    def remember_id():
        seen.append(logs.current_id())

    with logs.working_on("request-0815"):
        remember_id.delay()
    remember_id.delay()
    with app.connection() as connection, connection.SimpleQueue(app.conf.task_default_queue) as messages:
        for _ in range(2):  # as a worker does it
            Request(messages.get(timeout=5), app=app, task=remember_id).execute()
    assert seen[0] == "request-0815"
    assert logs.is_well_formed(seen[1])
    assert seen[1] != seen[0]
    assert logs.current_id() == ""
