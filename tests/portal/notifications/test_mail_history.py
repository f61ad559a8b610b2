"""Proof of mail on the page of what it is about: one rendering, as far as one may see it, bounded, one statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import actions, notify
from accounts.models import AuditEvent, Notice, Topic
from communities.models import Site
from payments.sandbox import Sandbox
from smartplus import jobs
from smartplus.portal.kit import mail_history
from subscriptions.actions import carts, requests
from subscriptions.models import AutoRenewal, Order
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.subscriptions.renewing import DUE, at

pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
SignIn = Callable[[Person], Client]
GIVEN_UP: dict[str, Any] = {
    "state": "failed",
    "tries": 6,
    "next_try_at": None,
    "last_error": "SMTPRecipientsRefused: no such mailbox",
}


def read(client: Client, address: str) -> str:
    """A page, clean, its white space folded."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    assert_clean(answer.content)
    return " ".join(answer.content.decode().split())


def posted(about, *, to: Person, tenant, key: str = "k", **values: object) -> Notice:
    notice = notify.post(
        key=key, topic=Topic.SITES, to=to.membership.user, template="joined", now=NOW, about=about, tenant=tenant,
        context={"person": to.membership.user, "organization": to.firm},
    )  # fmt: skip
    assert notice is not None
    Notice.objects.filter(pk=notice.pk).update(**values)
    return Notice.objects.get(pk=notice.pk)


def test_an_order_tells_its_mail_between_its_steps_and_a_failed_one_is_sent_again_from_there(
    people: People, agree: Callable[..., AutoRenewal], sign_in: SignIn
) -> None:
    order = agree().order
    assert order is not None
    Notice.objects.about(order).update(**{**GIVEN_UP, "tries": 2, "next_try_at": NOW + timedelta(minutes=5)})
    notice = Notice.objects.about(order).get()
    address, dora = f"/orders/{order.number}/", sign_in(people.dora)
    page = read(dora, address)
    assert page.index("Order created") < page.index("Mail to dora@nordlys.example")
    assert "Failed: 2 tried, next 22 Nov 2026, 10:05<br>SMTPRecipientsRefused: no such mailbox" in page
    again = f"/settings/notifications/{notice.pk}/again/"
    assert f'form="again" formaction="{again}"' in page
    assert page.count('<form id="again"') == 1
    answer = dora.post(again, {"next": address}, follow=True)
    assert "is on its way again" in answer.content.decode()
    assert AuditEvent.objects.filter(action="notice.sent_again").count() == 1
    notify.send_due(now=NOW)
    assert "Mail sent to dora@nordlys.example" in read(dora, address)
    assert "dora@nordlys.example" not in read(sign_in(people.ivan), address)


def test_every_kind_of_page_shows_the_mail_about_it(
    people: People,
    harbour_view: Site,
    agree: Callable[..., AutoRenewal],
    make_apartment,
    sandbox: Sandbox,
    sign_in: SignIn,
) -> None:
    """A request, an auto-renewal that fails, the site both are about, a person, a firm, the own security."""
    agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    make_apartment(harbour_view, "1.03")
    free = carts.activatable(people.ivan.actor, installer=people.ivan.firm, site_kind="community")
    asked = requests.request_activation(
        people.ivan.actor, site_kind="community", entitlement_ids=list(free.values_list("pk", flat=True)), months=1, now=NOW
    )  # fmt: skip
    invited = actions.invite(
        people.dora.actor, organization_id=people.ivan.firm.pk, email="elin@hafen.example", name="Elin", language="en", now=NOW
    )  # fmt: skip
    posted(people.ivan.firm, to=people.dora, tenant=people.ivan.firm, subject="Told of the firm")
    renewal = Order.objects.get(type="auto_renewal")
    dora = sign_in(people.dora)
    failed, requested = f"Auto-renewal failed: order {renewal.number}", "Hafen Intercom GmbH asks you to activate"
    invitation = "Hafen Intercom GmbH invites you to SmartPlus"
    for address, subjects in {
        f"/orders/{renewal.number}/": [failed],
        "/subscription/auto-renew/": [failed],
        f"/subscription/requests/{asked.pk}/": [requested],
        f"/sites/{harbour_view.pk}/billing/": [failed, requested],
        f"/users/{invited.pk}/": [invitation],
        f"/users/firms/{people.ivan.firm.pk}/": [invitation, "Told of the firm"],
    }.items():
        page = read(dora, address)
        for subject in subjects:
            assert subject in page, (address, subject)
    requested_by = sign_in(people.ivan)
    for address in ("/subscription/auto-renew/", f"/sites/{harbour_view.pk}/billing/"):
        assert failed not in read(requested_by, address), "whom Dora's firm told is not Ivan's matter"
    assert "Mail" not in read(sign_in(people.petra), f"/sites/{harbour_view.pk}/billing/").split("</h2>")[-1]
    user = people.ivan.membership.user
    notify.post(
        key="s", topic=Topic.SECURITY, to=user, template="two_factor_on", context={"at": NOW}, now=NOW, about=user
    )  # fmt: skip
    assert "Two-factor authentication is on" in read(requested_by, "/settings/security/")
    assert "Two-factor authentication is on" in read(requested_by, "/settings/notifications/")
    assert "Two-factor authentication is on" not in read(dora, f"/users/{people.ivan.membership.pk}/")


def test_the_newest_are_shown_and_the_older_are_one_click_away(people: People, sign_in: SignIn) -> None:
    for n in range(mail_history.SHOWN + 3):
        posted(people.ivan.firm, to=people.dora, tenant=people.ivan.firm, key=f"k{n}", subject=f"Letter {n:02d}")
    dora, address = sign_in(people.dora), f"/users/firms/{people.ivan.firm.pk}/"
    page = read(dora, address)
    assert page.count("Letter ") == mail_history.SHOWN
    assert page.index("Letter 10") < page.index("Letter 03")
    oldest = Notice.objects.get(subject="Letter 03")
    assert f'href="?mail={oldest.pk}#mail"' in page
    older = read(dora, f"{address}?mail={oldest.pk}")
    assert [f"Letter {n:02d}" in older for n in (2, 1, 0, 3)] == [True, True, True, False]
    assert "Newest mail" in older
    assert "Older mail" not in older
    assert "No older mail" in read(dora, f"{address}?mail=1")
    assert read(dora, f"{address}?mail=nonsense").count("Letter ") == mail_history.SHOWN


def test_the_proof_costs_one_statement_however_many_rows_it_is_about(people: People) -> None:
    posted(people.ivan.firm, to=people.dora, tenant=people.ivan.firm)
    firms = [people.ivan.firm, people.dora.firm, people.ivan.membership]
    with CaptureQueriesContext(connection) as asked:
        assert len(mail_history.about(people.dora.actor, {}, firms, None, people.sam.firm).notices) == 1
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as asked:
        assert not mail_history.about(people.dora.actor, {}, [], None)
    assert len(asked) == 0


def test_send_again_is_offered_to_whom_it_would_not_be_refused(people: People, sign_in: SignIn) -> None:
    """Ivan's own mail about Dora's matter: he sees that it failed, and Dora is who sends it again."""
    notice = posted(people.ivan.membership, to=people.ivan, tenant=people.dora.firm, **GIVEN_UP)
    again = f"/settings/notifications/{notice.pk}/again/"
    page = read(sign_in(people.ivan), "/settings/notifications/")
    assert "given up after 6 tries" in page
    assert again not in page
    assert again in read(sign_in(people.dora), f"/users/{people.ivan.membership.pk}/")


def test_mail_that_invites_is_sent_at_once(
    people: People, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(jobs, "wake", lambda name: woken.append(name))
    ivan, dora = sign_in(people.ivan), sign_in(people.dora)
    person = {
        "person-name": "Elin",
        "person-email": "elin@hafen.example",
        "person-language": "en",
        "rights-is_technician": "no",
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert ivan.post("/users/new/?kind=colleague", person).status_code == 302
    assert woken == ["mail"]
    elin = people.ivan.firm.memberships.get(user__email_key="elin@hafen.example")
    with django_capture_on_commit_callbacks(execute=True):
        ivan.post(f"/users/{elin.pk}/invitation/", {"do": "resend"})
    with django_capture_on_commit_callbacks(execute=True):
        dora.post(f"/users/firms/{people.ivan.firm.pk}/people/new/", {**person, "person-email": "eli2@hafen.example"})
    assert woken == ["mail"] * 3
    with django_capture_on_commit_callbacks(execute=True):
        ivan.post(f"/users/{elin.pk}/invitation/", {"do": "cancel"})
    assert woken == ["mail"] * 3
