"""Hidden prices are hidden everywhere: every page and file that links lead to is read for amounts, as a firm and as a member."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from accounts import actions, audit, notify
from accounts.actions import terms
from accounts.models import AuditEvent, Membership, Organization
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.sandbox import Sandbox
from smartplus.portal.kit import exports as tables
from subscriptions import rights
from subscriptions.actions import carts, orders, requests, settlement
from subscriptions.actions.request_decisions import REQUEST_DONE
from subscriptions.actions.reviews import DUPLICATE_REPAID
from subscriptions.models import AutoRenewal, Cart, Order, RenewalRequest
from tests import spreadsheets
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People, Person
from tests.subscriptions.lookups import BASE, payment_of

pytestmark = [pytest.mark.walk, pytest.mark.usefixtures("time_machine_at_noon")]

AMOUNT = re.compile(
    r"(?:US\$|USD|[$€])\s*\d[\d.,]*|\d[\d,]*\.\d\d[\s,;]*(?:US\$|USD|[$€])"
)  # "US$1.50", and "1.50,USD" in a file
NUMBER = re.compile(r"SP-\d{6}-[0-9A-Z]{8}")
MOST = 700  # pages; a crawl that finds more runs in circles
ELSEWHERE = ("/static/", "/help/", "/sign-out/", "/api/")


def crawl(client: Client, *seeds: str, sought: re.Pattern[str] = AMOUNT, within: str = "/") -> dict[str, list[str]]:
    """Every address that links lead to, as far as it answers 200, with what is sought in its text: amounts, or else. Other links than
    those `within` a path are not followed: enough for a control, which shows that there is something to hide."""
    found: dict[str, list[str]] = {}
    waiting = [*([within] if within == "/" else []), *seeds]
    seen = set(waiting)
    while waiting:
        address = waiting.pop(0)
        answer = client.get(address, follow=True)
        assert answer.status_code < 500, address
        if answer.status_code != 200:
            continue
        raw = b"".join(answer) if answer.streaming else answer.content
        is_excel = answer["Content-Type"] == tables.XLSX
        text = "\n".join(map(",".join, spreadsheets.rows(raw))) if is_excel else raw.decode()
        found[address] = sought.findall(re.sub(r"<[^>]+>", " ", unescape(text)))
        path = address.split("?")[0]
        for link in re.findall(r'(?:href|hx-get)="([^"#]+)', text):
            link = unescape(link)
            link = f"{path}{link}" if link.startswith("?") else link
            again = "sort=" in link  # the same rows in another order
            if link.startswith(within) and not link.startswith(ELSEWHERE) and link not in seen and not again:
                seen.add(link)
                waiting.append(link)
        assert len(seen) < MOST, sorted(seen)[-20:]
    return found


def telling(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Only those with amounts."""
    return {address: amounts for address, amounts in found.items() if amounts}


@pytest.fixture
def timeline(
    people: People, harbour_view: Site, agree: Callable[..., AutoRenewal], make_apartment, fill_cart
) -> dict[str, str]:
    """Dora has paid for Harbour View and renews it by herself; Ivan, who could pay once, has a cart from then, and asks for more."""
    auto_renewal = agree()
    set_firm(people, pays_regular=True)
    make_apartment(harbour_view, "1.03")
    cart: Cart = fill_cart(by=again(people.ivan))
    set_firm(people, pays_regular=False)
    make_apartment(harbour_view, "1.04")
    ivan = again(people.ivan).actor
    wanted = carts.activatable(ivan, installer=people.ivan.firm, site_kind="community")
    ids = list(wanted.filter(target__number="1.04").values_list("pk", flat=True))
    asked = requests.request_activation(ivan, site_kind="community", entitlement_ids=ids, months=1, now=NOW)
    notify.send_due(now=NOW)
    assert auto_renewal.order is not None
    return {
        "order": f"/orders/{auto_renewal.order.number}/",
        "renewals": "/subscription/auto-renew/",
        "cart": f"/subscription/carts/{cart.pk}/",
        "request": f"/subscription/requests/{asked.pk}/",
        "billing": f"/sites/{harbour_view.pk}/billing/",
        "subscription": f"/subscription/?installer={people.ivan.firm.pk}&kind=community&cart={cart.pk}&months=3",
    }


def set_firm(people: People, **fields: bool) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(**fields)


def again(person: Person) -> Person:
    return Person(Membership.objects.select_related("organization", "user").get(pk=person.membership.pk))


def test_a_firm_whose_prices_are_hidden_reads_no_amount_anywhere(
    people: People, timeline: dict[str, str], sign_in: Callable[[Person], Client]
) -> None:
    shown = crawl(sign_in(people.ivan), *timeline.values())
    for page in ("order", "renewals", "request", "billing", "subscription"):
        assert timeline[page] in telling(shown), page
    assert "/orders/" in telling(shown)
    for kind in tables.FORMATS:
        assert any(address.endswith(f"format={kind}") and "/billing/" in address for address in telling(shown))
    set_firm(people, sees_prices=False)
    hidden = crawl(sign_in(people.ivan), *timeline.values())
    assert telling(hidden) == {}
    gone = set(shown) - set(hidden)
    assert all("/billing/" in address for address in gone), gone  # that page is about amounts and nothing else
    order = sign_in(people.ivan).get(timeline["order"]).content.decode()
    assert "Activation of 5 items" in order
    assert "22 Dec 2026" in order


def test_a_member_whose_firm_shows_no_prices_reads_no_amount_anywhere(
    people: People, timeline: dict[str, str], sign_in: Callable[[Person], Client]
) -> None:
    added = actions.add_member(
        SYSTEM, organization=people.dora.firm, email="carl@nordlys.example", name="Carl", now=NOW
    )
    terms.accept(added.user, now=NOW)
    back = {"amount_minor": 1020, "reason": "US$10.20 went back by bank."}
    event = audit.record(
        SYSTEM, DUPLICATE_REPAID, payment_of(Order.objects.get()), now=NOW, tenant=people.dora.firm, after=back
    )
    carl, log = Person(added), "/settings/audit/?area=orders"
    control = telling(crawl(sign_in(carl), log, within="/settings/audit/"))
    assert "US$10.20" in control[log]
    assert f"/settings/audit/{event.pk}/" in control
    for kind in tables.FORMATS:
        assert any(f"format={kind}" in address and "audit" in address for address in control)
    assert any(re.fullmatch(r"/settings/audit/\d+/", address) for address in control)
    Membership.objects.filter(pk=added.pk).update(
        sees_prices=False, manages_subscriptions=False
    )  # fmt: skip
    read = crawl(sign_in(carl), log)
    assert log in read
    assert telling(read) == {}
    row = sign_in(carl).get(log).content.decode()
    assert "5 items" in row


def test_a_member_whose_firm_shows_no_orders_reads_no_order_number_anywhere(
    people: People, timeline: dict[str, str], sign_in: Callable[[Person], Client]
) -> None:
    added = actions.add_member(
        SYSTEM, organization=people.dora.firm, email="carl@nordlys.example", name="Carl", now=NOW
    )
    terms.accept(added.user, now=NOW)
    auto_renewal = AutoRenewal.objects.get()
    seeds = (
        timeline["billing"],
        timeline["renewals"],
        timeline["request"],
        f"/subscription/auto-renew/{auto_renewal.pk}/card/",
    )
    control = telling(crawl(sign_in(Person(added)), *seeds, sought=NUMBER, within="/subscription/auto-renew/"))
    assert {timeline["billing"], timeline["renewals"], seeds[-1]} <= set(control)
    Membership.objects.filter(pk=added.pk).update(sees_invoices=False)
    read = crawl(sign_in(Person(added)), *seeds, sought=NUMBER)
    assert set(seeds) <= set(read)
    assert telling(read) == {}


def test_a_member_whose_firm_shows_no_orders_reads_no_order_number_in_what_happened(
    people: People, timeline: dict[str, str], sign_in: Callable[[Person], Client]
) -> None:
    """Dora's Carl and Ivan's Ida: the order was placed and paid, switched the PM App on, did a request, and Olga looked at it."""
    order, asked = Order.objects.get(), RenewalRequest.objects.get()
    after = {"state": "done", "reason": f"Paid with order {order.number}.", "order": order.number}
    audit.record(SYSTEM, REQUEST_DONE, asked, now=NOW, tenant=asked, before={"state": "open"}, after=after)
    assert sign_in(people.olga).get(timeline["order"]).status_code == 200
    told = set(AuditEvent.objects.filter(subject_label=order.number).values_list("action", flat=True))
    assert told >= {"order.created", "order.succeeded", "support.viewed"}
    for boss, name in ((people.dora, "carl"), (people.ivan, "ida")):
        added = actions.add_member(SYSTEM, organization=boss.firm, email=f"{name}@firm.example", name=name, now=NOW)
        terms.accept(added.user, now=NOW)
        assert NUMBER.search(happened(sign_in(Person(added))))
        Membership.objects.filter(pk=added.pk).update(sees_invoices=False)
        client, actor = sign_in(Person(added)), again(Person(added)).actor
        text = happened(client)
        assert not NUMBER.search(text)  # a token of a form may have SP- in it by chance
        assert f"#{asked.pk}" in text or str(asked) in text
        assert "Order: Hidden" in text
        rows = list(AuditEvent.objects.visible_to(actor).values_list("action", flat=True))
        assert {"site.pm_app_switched_on", "request.made", "request.done"} <= set(rows)
        assert not [row for row in rows if row.startswith(("order.", "payment.", "auto-renewal.", "support."))]
        for event in AuditEvent.objects.all():
            page = client.get(f"/settings/audit/{event.pk}/")
            assert page.status_code == (200 if event in AuditEvent.objects.visible_to(actor) else 404), event
            assert not NUMBER.search(page.content.decode())
        search = client.get("/settings/audit/", {"q": order.number, "days": "all"})  # a row would confirm the number
        assert not search.context["rows"]
    assert AuditEvent.objects.visible_to(people.olga.actor).count() == AuditEvent.objects.count()


def happened(client: Client) -> str:
    """What the dashboard, the audit's list and its file tell."""
    pages = [client.get(address) for address in ("/dashboard/", "/settings/audit/?days=all")]
    file = client.get("/settings/audit/", {"days": "all", "format": "csv"})
    return "".join(page.content.decode() for page in pages) + b"".join(file).decode()


def test_what_the_firm_pays_itself_it_reads_whatever_is_hidden(
    people: People, harbour_view: Site, fill_cart, place, sandbox: Sandbox, sign_in: Callable[[Person], Client]
) -> None:
    set_firm(people, pays_regular=True)
    ivan = again(people.ivan)
    payment_actions.save_billing(
        ivan.actor, organization=ivan.firm, now=NOW, company="Hafen", email="a@hafen.example", street="Kai 1",
        postal_code="20457", city="Hamburg", country="DE",
    )  # fmt: skip
    order: Order = place(fill_cart(by=ivan), by=ivan)
    press(orders.start_payment(ivan.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    set_firm(people, pays_regular=False, sees_prices=False)
    found = telling(crawl(sign_in(people.ivan)))
    own = {f"/orders/{order.number}/", "/orders/", "/orders/?state=succeed"}
    own_events = {"/", "/dashboard/"}  # "Order … paid and applied, US$10.20"
    listed = {address for address in found if address.startswith("/orders/?")}  # chosen, sorted, as a file
    audited = {address for address in found if address.startswith("/settings/audit/")}
    assert own <= set(found)
    assert audited
    assert {address.rstrip("?") for address in found} <= own | own_events | listed | audited
    assert "US$10.20" in found[f"/orders/{order.number}/"]
    assert rights.sees_amounts(again(people.ivan).actor, people.ivan.firm.pk)
    assert not rights.sees_amounts(again(people.ivan).actor, people.dora.firm.pk)
    assert not Entitlement.objects.wanted().filter(expires_at=None).exists()
