"""The gateways' stand-in itself: it refuses what Stripe refuses, and it forgets nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from payments.sandbox import LiveKey, Sandbox
from payments.sandbox.forms import decode
from payments.sandbox.webhook_sender import sign
from tests.payments.pay_page import press
from tests.payments.stripe_api import AUTH, KEYS, ORDER, error_of
from tests.people import NOW


def make_sandbox(state_file: Path | None = None, webhook_url: str | None = None) -> Sandbox:
    return Sandbox(
        secret_key=KEYS["secret_key"],
        webhook_secret=KEYS["webhook_secret"],
        state_file=state_file,
        webhook_url=webhook_url,
    )


def test_without_the_right_key_nobody_gets_in(ask):
    for headers, message in (
        ({}, "You did not provide an API key."),
        ({"Authorization": "Bearer sk_test_guessed"}, "Invalid API Key provided: sk_t****"),
    ):
        answer = ask("POST", "/v1/checkout/sessions", ORDER, headers=headers)
        assert error_of(answer) == (401, "invalid_request_error", None, message)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"success_url": None}, "parameter_missing", "Missing required param: success_url."),
        (
            {"line_items[0][price_data][unit_amount]": "many"},
            "parameter_missing",
            "Missing required param: line_items[0].",
        ),
        ({"cancel_url": "portal"}, "url_invalid", "Not a valid URL"),
        ({"customer_email": "nobody"}, "email_invalid", "Invalid email address: nobody"),
        ({"colour": "red"}, "parameter_unknown", "Received unknown parameter: colour"),
        ({"line_items[0][price_data][unit_amount]": "49"}, "amount_too_small", None),
        ({"line_items[0][price_data][unit_amount]": "100000000"}, "amount_too_large", None),
        ({"expires_at": str(int(NOW.timestamp()) + 1799)}, None, None),
        ({"expires_at": str(int(NOW.timestamp()) + 86_401)}, None, None),
    ],
)
def test_a_session_that_stripe_would_refuse_is_refused(ask, sandbox, change, code, message):
    order = {name: value for name, value in (ORDER | change).items() if value is not None}
    status, kind, got, told = error_of(ask("POST", "/v1/checkout/sessions", order, key="k1"))
    assert (status, kind, got) == (400, "invalid_request_error", code)
    assert message in (told, None)
    assert sandbox.state()["sessions"] == []
    assert ask("POST", "/v1/checkout/sessions", ORDER, key="k1").status_code == 200  # what is refused uses up no key


def test_the_same_key_brings_the_same_answer_and_no_second_session(ask, sandbox):
    first = ask("POST", "/v1/checkout/sessions", ORDER, key="k1")
    press(first.json()["url"], "approve")
    again = ask("POST", "/v1/checkout/sessions", ORDER, key="k1")
    assert again.json() == first.json()  # as it was then: open
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    other = ask("POST", "/v1/checkout/sessions", ORDER | {"client_reference_id": "SP-B"}, key="k1")
    assert error_of(other)[:2] == (400, "idempotency_error")
    assert len(sandbox.state()["sessions"]) == 1


def test_a_500_after_the_deed_is_stored_with_its_key(ask, sandbox):
    sandbox.faults.arm("create_fails_after")
    first = ask("POST", "/v1/checkout/sessions", ORDER, key="k1")
    again = ask("POST", "/v1/checkout/sessions", ORDER, key="k1")
    assert (first.status_code, again.status_code, again.json()) == (500, 500, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.state()["sessions"]) == 1


def test_a_paid_session_can_neither_be_paid_again_nor_expired(ask, sandbox):
    session = ask("POST", "/v1/checkout/sessions", ORDER).json()
    assert press(session["url"], "approve").location == f"https://portal.example/done?s={session['id']}"
    page = press(session["url"], "approve")
    assert (page.status, page.location) == (200, "")
    assert "paid already" in page.text
    assert error_of(ask("POST", f"/v1/checkout/sessions/{session['id']}/expire"))[0] == 400
    assert sandbox.state()["moved"] == {"SP-A": {"amount": 1250, "charges": 1}}


def test_what_is_not_there_is_missing(ask):
    assert error_of(ask("GET", "/v1/checkout/sessions/cs_test_none"))[2] == "resource_missing"
    assert error_of(ask("GET", "/v1/payment_intents/pi_none"))[2] == "resource_missing"
    assert ask("GET", "/v1/customers").status_code == 404
    assert ask("GET", "/").status_code == 404
    assert ask("GET", "/pay/cs_test_none").status_code == 404


def test_a_list_is_read_page_by_page(ask, sandbox):
    made = [ask("POST", "/v1/checkout/sessions", ORDER).json()["id"] for _ in range(3)]
    first = ask("GET", "/v1/checkout/sessions?limit=2").json()
    rest = ask("GET", f"/v1/checkout/sessions?limit=2&starting_after={first['data'][-1]['id']}").json()
    assert [row["id"] for row in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    late = int(NOW.timestamp()) + 1
    assert ask("GET", f"/v1/checkout/sessions?created[gte]={late}").json()["data"] == []


def test_no_other_site_and_no_other_name_reaches_the_switches(ask, sandbox):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask("POST", "/sandbox/faults", "{}", headers=form).status_code == 415
    assert ask("GET", "/sandbox/state", headers={"Host": "evil.example"}).status_code == 403


def test_faults_are_switched_over_http(ask, sandbox):
    as_json = {"Content-Type": "application/json"}
    armed = ask("POST", "/sandbox/faults", '{"webhook_late": 2, "hang_s": 1.5}', headers=as_json).json()
    assert armed == {"armed": {"webhook_late": 2}}
    assert sandbox.faults.hang_s == 1.5
    assert ask("POST", "/sandbox/faults", '{"flood": 1}', headers=as_json).status_code == 400
    assert ask("POST", "/sandbox/faults", "[", headers=as_json).status_code == 400
    assert ask("POST", "/sandbox/faults", "{}", headers=as_json).json() == {"armed": {}}
    assert ask("POST", "/sandbox/webhooks/release", "", headers=as_json).json() == {"released": 0}
    assert ask("GET", "/sandbox/state").json()["faults"] == {}


def test_the_page_shows_texts_and_runs_none(ask):
    name = "<script>alert(1)</script>"
    url = ask("POST", "/v1/checkout/sessions", ORDER | {"line_items[0][price_data][product_data][name]": name}).json()[
        "url"
    ]
    assert name not in press(url).text
    assert "&lt;script&gt;" in press(url).text


def test_what_it_knows_survives_a_restart(tmp_path):
    file = tmp_path / "state.json"
    first = make_sandbox(file, "http://127.0.0.1:9/nobody")
    first.clock.freeze(NOW)
    session = first.processor.open(
        decode("&".join(f"{k}={v}" for k, v in ORDER.items())), amount=1250, base_url=first.url
    )
    first.faults.arm("webhook_late")
    assert first.processor.approve(session["id"])
    before = first.state()
    first._server.server_close()
    second = make_sandbox(file, "http://127.0.0.1:9/nobody")
    second.clock.freeze(NOW)
    assert second.state() == before | {"sent": []}
    assert [row["is_held"] for row in before["waiting"]] == [True, True]
    assert not second.processor.approve(session["id"])
    second._server.server_close()


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_it_does_not_start_beside_real_money(key):
    with pytest.raises(LiveKey):
        Sandbox(secret_key=key, webhook_secret="x")


def test_its_signature_is_the_one_stripes_own_sdk_makes():
    import stripe

    made = stripe.WebhookSignature.generate_signature_header('{"a": "ä"}', "secret", 1_700_000_000)
    assert sign('{"a": "ä"}'.encode(), "secret", 1_700_000_000) == made


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1&b[c]=2&b[d][e]=3", {"a": "1", "b": {"c": "2", "d": {"e": "3"}}}),
        ("x[1]=b&x[0]=a", {"x": ["a", "b"]}),
        ("expand[]=a&expand[]=b", {"expand": ["a", "b"]}),
        ("l[0][p][c]=usd&l[0][q]=1", {"l": [{"p": {"c": "usd"}, "q": "1"}]}),
        ("", {}),
    ],
)
def test_forms_are_read_as_the_sdk_writes_them(text, tree):
    assert decode(text) == tree


def run_command(tmp_path, key):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "smartplus.settings",
        "SMARTPLUS_VAR": str(tmp_path),
        "STRIPE_SECRET_KEY": key,
        "STRIPE_API_BASE": "",
    }
    manage = Path(__file__).parents[2] / "manage.py"
    with make_sandbox()._server as probe:
        port = probe.server_port  # free a moment ago
    return port, subprocess.Popen(
        [sys.executable, manage, "sandbox", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_listens_until_it_is_told_to_stop(tmp_path):
    port, process = run_command(tmp_path, KEYS["secret_key"])
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"Sandbox (no real money) on http://127.0.0.1:{port}\n"
        with requests.Session() as session:
            session.trust_env = False
            order = ORDER | {"expires_at": ""}
            del order["expires_at"]
            made = session.post(f"http://127.0.0.1:{port}/v1/checkout/sessions", data=order, headers=AUTH, timeout=10)
        assert made.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    stored = json.loads((tmp_path / "sandbox.json").read_text())
    assert list(stored["sessions"]) == [made.json()["id"]]


def test_the_command_refuses_a_live_key(tmp_path):
    _, process = run_command(tmp_path, "sk_live_1")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "A live key is configured" in errors
