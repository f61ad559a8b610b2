"""Set-up: one list of questions; the operator's page, `check --deploy` and `/readyz` read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.checks import Error, Info, Warning
from django.test import Client

from accounts import notify
from accounts.actions import add_member, seller, terms
from accounts.models import AuditEvent, Kind, Notice, Organization, Topic
from communities import catalogue
from payments.actions import keys
from payments.models import EventState, GatewayEvent, GatewayKey, Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from smartplus import demo, health, heartbeats, setup
from smartplus.demo import INVENTED_PRICES
from smartplus.heartbeats import Sign
from smartplus.setup import State
from smartplus.setup.system_check import check_setup
from subscriptions.actions.prices import publish_price_list
from subscriptions.prices import PriceKey, price_keys
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import assert_clean

SignIn = Callable[[Person], Client]
LIVE = "sk_" + "live_" + "only-looks-like-one"


SELLER = {
    "name": "Vendor GmbH", "street": "Hauptstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE",
    "tax_number": "DE000000000", "email": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None, settings: Any, tmp_path: Any) -> Iterator[None]:
    """The clock stands; signs of life are this test's own; nothing is remembered from another test."""
    settings.REDIS_URL, settings.VAR_DIR = "", tmp_path
    (settings.BROKER_DIR / "queue").mkdir(parents=True, exist_ok=True)
    heartbeats._written.clear()
    health._looked.clear()
    health._red.clear()
    yield
    heartbeats._written.clear()


@pytest.fixture
def in_order(people: People, settings: Any) -> None:
    """An installation that lacks nothing."""
    settings.SITE_URL, settings.ALLOWED_HOSTS, settings.BEHIND_PROXY = "https://testserver", ["testserver"], True
    settings.STRIPE_SECRET_KEY, settings.MAIL_IS_SET_UP = LIVE, True
    GatewayKey.objects.create(
        gateway="stripe", print=keys._print("stripe"), answer="accepted", account="acct_1Qabcdef7xY", asked_at=NOW
    )
    event()
    for currency in {firm.currency for firm in Organization.objects.filter(kind=Kind.DISTRIBUTOR)}:
        publish_price_list(SYSTEM, currency=currency, amounts=amounts(), valid_from=NOW - timedelta(days=1), now=NOW)
    seller.publish(SYSTEM, values=SELLER, valid_from=NOW, now=NOW)
    notify.post(
        key="one", topic=Topic.SECURITY, to=people.olga.membership.user, template="test_mail", context={}, now=NOW
    )
    notify.send_due(now=NOW)
    for sign in (Sign.BEAT, Sign.WORKER, Sign.GATEWAYS, Sign.TICK):
        heartbeats.note(sign, now=NOW, is_always=True)


def amounts() -> dict[PriceKey, int]:
    return {key: INVENTED_PRICES.get(key, 100) for key in price_keys()}


def event(at: Any = NOW, state: str = EventState.DONE) -> GatewayEvent:
    return GatewayEvent.objects.create(
        gateway="stripe", event_id=f"evt_{at.timestamp()}", kind="payment_intent.succeeded", raw_body=b"{}",
        state=state, received_at=at,
    )  # fmt: skip


def found() -> dict[str, State]:
    """What is not in order, by its key."""
    return {finding.key: finding.state for finding in setup.look(NOW) if finding.state != State.OK}


# --- the questions --------------------------------------------------------------------------------------------------------


def test_nothing_is_missing_where_nothing_is(in_order: None) -> None:
    assert found() == {}
    assert [message for message in ask_check() if message.level > Info("").level] == []


def ask_check(*, may_ask: bool = False) -> list[Any]:
    """`check --deploy`, without a network unless wanted."""
    with pytest.MonkeyPatch.context() as patch:
        if not may_ask:
            patch.setattr("payments.actions.ask_all", lambda now: None)
        return check_setup()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"STRIPE_SECRET_KEY": ""}, {"gateway_keys": State.BLOCKS}),
        ({"STRIPE_WEBHOOK_SECRET": ""}, {"gateway_keys:webhook": State.BLOCKS}),
        ({"STRIPE_SECRET_KEY": "another"}, {"gateway_keys": State.WAITS}),  # never asked about this one
        ({"MAIL_IS_SET_UP": False}, {"mail": State.BLOCKS}),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, {"mail": State.BLOCKS}),
        ({"DEBUG": True}, {"address": State.BLOCKS}),
        ({"ALLOWED_HOSTS": ["*"]}, {"address": State.BLOCKS}),
        ({"ALLOWED_HOSTS": ["elsewhere.example"]}, {"address": State.BLOCKS}),
        ({"BEHIND_PROXY": False}, {"address": State.BLOCKS}),
        ({"SITE_URL": "http://testserver"}, {"address": State.BLOCKS}),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(
    in_order: None, settings: Any, changes: dict[str, Any], expected: dict[str, State]
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert found() == expected


def test_plain_http_is_in_order_on_this_machine_alone(in_order: None, settings: Any) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS, settings.BEHIND_PROXY = "http://127.0.0.1:8000", ["127.0.0.1"], False
    assert found() == {}


@pytest.mark.parametrize(
    ("answer", "is_live", "site", "expected"),
    [
        ("refused", True, "https://testserver", State.BLOCKS),
        ("silent", True, "https://testserver", State.WAITS),
        ("accepted", False, "https://testserver", State.BLOCKS),  # test cards would switch on real services
        ("accepted", False, "http://localhost", State.WAITS),
    ],
)
def test_what_stripe_says_of_the_key(
    in_order: None, settings: Any, answer: str, is_live: bool, site: str, expected: State
) -> None:
    settings.STRIPE_SECRET_KEY = LIVE if is_live else "a key of the test mode"
    settings.SITE_URL, settings.ALLOWED_HOSTS = site, ["testserver", "localhost"]
    GatewayKey.objects.update(answer=answer, print=keys._print("stripe"))
    assert found() == {"gateway_keys": expected}


def test_the_webhook_is_heard_or_not(in_order: None, people: People, begin_payment: Callable[..., Payment]) -> None:
    heartbeats.note(Sign.BAD_SIGNATURE, now=NOW + timedelta(seconds=1), is_always=True)
    assert found() == {"webhook": State.WAITS}  # a stranger, or a new secret
    GatewayEvent.objects.all().delete()
    assert found() == {"webhook": State.BLOCKS}  # never a good one, and a bad one: the secret is wrong
    heartbeats._file(Sign.BAD_SIGNATURE).unlink()
    assert found() == {"webhook": State.WAITS}  # nobody has paid yet
    payment = begin_payment(people.dora)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.SUCCEEDED, updated_at=NOW - timedelta(hours=2))
    assert found() == {"webhook": State.BLOCKS}  # money came, and no word of it


def test_a_wrong_signature_at_the_door_is_noted(in_order: None) -> None:
    assert Client().post("/webhooks/stripe/", b"{}", content_type="application/json").status_code == 400
    assert heartbeats.last_here(Sign.BAD_SIGNATURE) == NOW


def test_each_currency_that_a_tree_is_billed_in_needs_prices(in_order: None, people: People) -> None:
    Organization.objects.filter(pk=people.dora.firm.pk).update(currency="CHF")
    [finding] = [finding for finding in setup.look(NOW) if finding.state == State.BLOCKS]
    assert (finding.key, finding.title) == ("prices:CHF", "CHF has no price list")
    assert "Nordlys Distribution" in finding.detail
    assert finding.steps[0].url == "/prices/new/?currency=CHF"
    publish_price_list(
        SYSTEM, currency="CHF", amounts=amounts(), distributor_id=people.dora.firm.pk, valid_from=NOW, now=NOW
    )
    assert found() == {}  # its own list is enough
    few = {key: amount for key, amount in amounts().items() if key[0] != catalogue.ServiceType.PM_APP}
    publish_price_list(SYSTEM, currency="CHF", amounts=few, distributor_id=people.dora.firm.pk, valid_from=NOW, now=NOW)
    assert found() == {"prices:CHF": State.WAITS}
    invented = partial(publish_price_list, SYSTEM, amounts=amounts(), is_invented=True, valid_from=NOW, now=NOW)
    invented(currency="CHF", distributor_id=people.dora.firm.pk)
    assert found() == {"prices:CHF": State.BLOCKS}
    Organization.objects.filter(kind=Kind.DISTRIBUTOR).update(is_active=False)
    assert found() == {"prices": State.WAITS}


def test_mail_that_fails_is_said_until_one_goes_out(
    in_order: None, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(minutes=1)
    user = people.olga.membership.user
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", broken)
        notify.post(key="two", topic=Topic.SECURITY, to=user, template="test_mail", context={}, now=later)
        notify.send_due(now=later)
    assert found() == {"mail": State.BLOCKS}
    notify.send_due(now=later + timedelta(minutes=30))
    assert found() == {}
    Notice.objects.all().delete()
    assert found() == {"mail": State.WAITS}


def broken(*args: Any, **kwargs: Any) -> int:
    raise OSError("connection refused")


@pytest.mark.parametrize("document", ["terms", "privacy"])
def test_a_text_that_is_not_published_blocks(in_order: None, settings: Any, document: str) -> None:
    later = {finding.key: finding.state for finding in setup.look(NOW - timedelta(days=30))}
    assert later[document] == State.BLOCKS
    assert found() == {}


def test_a_seller_that_is_not_named_blocks(in_order: None) -> None:
    assert {finding.key: finding.state for finding in setup.look(NOW - timedelta(seconds=1))}["seller"] == State.BLOCKS


@pytest.mark.parametrize("sign", [Sign.BEAT, Sign.WORKER])
def test_who_gives_no_sign_of_life_is_named(in_order: None, sign: Sign) -> None:
    heartbeats.note(sign, now=NOW - timedelta(minutes=4), is_always=True)
    assert found() == {f"background:{sign}": State.BLOCKS}


def test_in_the_demo_its_own_ways_are_in_order(db: None, settings: Any) -> None:
    settings.DEMO, settings.EMAIL_BACKEND = True, "django.core.mail.backends.console.EmailBackend"
    settings.SITE_URL, settings.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["127.0.0.1"]
    demo.seed(NOW)
    event()
    for sign in (Sign.BEAT, Sign.WORKER, Sign.GATEWAYS, Sign.TICK):
        heartbeats.note(sign, now=NOW, is_always=True)
    by_key = {finding.key: finding for finding in setup.look(NOW)}
    assert {key for key, finding in by_key.items() if finding.state == State.BLOCKS} == set()
    assert "demo" in by_key["demo_logins"].title


# --- three readers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def seeded(db: None, settings: Any) -> Person:
    """A real installation with the demo's people in it, and Olga, who runs it."""
    settings.DEMO = True
    demo.seed(NOW)
    settings.DEMO = False
    operator = Organization.objects.get(kind=Kind.OPERATOR)
    member = add_member(SYSTEM, organization=operator, email="olga@vendor.example", name="Olga Maas", now=NOW)
    terms.accept(member.user, now=NOW)
    return Person(member)


def test_demo_logins_outside_the_demo_are_red_for_every_reader(seeded: Person, sign_in: SignIn) -> None:
    assert "setup.demo_logins" in {message.id for message in ask_check() if isinstance(message, Error)}
    for sign in (Sign.BEAT, Sign.WORKER, Sign.GATEWAYS, Sign.TICK):
        heartbeats.note(sign, now=NOW, is_always=True)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["setup"]) == (503, "fail")
    olga = sign_in(seeded)
    assert "11 demo logins can sign in" in olga.get("/setup/").content.decode()
    assert 'href="/setup/"' in olga.get("/dashboard/").content.decode()
    told = olga.post("/setup/demo-logins/", follow=True).content.decode()
    assert "11 demo logins can&#x27;t sign in any more." in told
    assert not demo.active_logins().exists()
    assert Client().get("/readyz").json()["checks"]["setup"] == "warn"
    assert "setup.demo_logins" not in {message.id for message in ask_check()}


def test_who_is_one_of_them_is_told_to_come_in_by_an_own_address(seeded: Person, sign_in: SignIn) -> None:
    theirs = Person(Organization.objects.get(kind=Kind.OPERATOR).memberships.get(user__email_key=demo.LOGINS[0][0]))
    page = sign_in(theirs).post("/setup/demo-logins/", follow=True).content.decode()
    assert "You are signed in as one of them." in page
    assert demo.active_logins().count() == 11


def test_the_page_says_what_to_do_first_what_is_in_order_and_what_works(
    in_order: None, people: People, sign_in: SignIn, settings: Any
) -> None:
    olga = sign_in(people.olga)
    page = olga.get("/setup/").content.decode()
    assert_clean(page)
    assert "To do" not in page
    assert "Live mode, account acct_1Q…7xY, checked just now." in page
    assert LIVE not in page
    assert "Set-up</span>" not in olga.get("/dashboard/").content.decode()
    settings.STRIPE_SECRET_KEY = ""
    page = olga.get("/setup/").content.decode()
    assert page.index("Stripe is not set up") < page.index("In order")
    assert "1 to do" in page
    tile = olga.get("/dashboard/").content.decode()
    assert "Stripe is not set up" in tile


def test_readiness_stays_with_what_only_the_operator_can_mend(in_order: None, settings: Any) -> None:
    assert Client().get("/readyz").json()["checks"]["setup"] == "ok"
    health._looked.clear()
    settings.STRIPE_SECRET_KEY = ""
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["setup"]) == (200, "warn")
    assert "STRIPE" not in json.dumps(answer.json())  # to the public only that something is


def test_check_deploy_fails_for_what_blocks_and_warns_for_what_can_wait(in_order: None, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    Notice.objects.all().delete()
    said = {message.id: type(message) for message in ask_check()}
    assert said == {"setup.gateway_keys": Error, "setup.mail": Warning}


@pytest.mark.django_db(transaction=True)
def test_check_deploy_asks_the_gateway(people: People, sandbox: Sandbox, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "of-another-account"
    said = {message.id: message.msg for message in ask_check(may_ask=True)}
    assert said["setup.gateway_keys"] == "Stripe refuses the key."
    assert GatewayKey.objects.get().answer == "refused"


@pytest.mark.django_db(transaction=True)
def test_checked_again_at_a_click(people: People, sandbox: Sandbox, sign_in: SignIn) -> None:
    assert "Checked again." in sign_in(people.olga).post("/setup/again/", follow=True).content.decode()
    assert GatewayKey.objects.get().answer == "accepted"


def test_a_test_mail_goes_to_oneself_once_a_minute(people: People, sign_in: SignIn) -> None:
    olga, before = sign_in(people.olga), AuditEvent.objects.count()
    for _ in range(2):
        assert "is on its way" in olga.post("/setup/test-mail/", follow=True).content.decode()
    notify.send_due(now=NOW)
    assert [message.to for message in mail.outbox] == [[people.olga.membership.user.email]]
    assert [row.action for row in AuditEvent.objects.order_by("pk")[before:]] == ["mail.tested"]


@pytest.mark.parametrize("path", ["/setup/", "/setup/again/", "/setup/demo-logins/", "/setup/test-mail/"])
def test_the_set_up_is_the_operators(people: People, sign_in: SignIn, path: str) -> None:
    for person in (people.dora, people.ivan, people.petra):
        client = sign_in(person)
        answer = client.get(path) if path == "/setup/" else client.post(path)
        assert answer.status_code == 403
    assert not Notice.objects.exists()
    assert people.olga.membership.actor().sees_all
