"""Who does not pay reads no step of the payer's timeline, no hand behind it and no card, on any page there is."""

from __future__ import annotations

import pytest

from accounts.scope import Role
from payments.models import PaymentMethod
from subscriptions.models import Order, OrderEvent
from tests.guards import routes as addresses
from tests.guards.browser import Browser
from tests.guards.walker import WALKERS, Walker
from tests.people import NOW

CARDS = {
    "dora": "Ø741",
    "ivan": "Ø742",
    "sam": "Ø743",
    "mallory": "Ø744",
    "igor": "Ø745",
}  # in no token of a page by chance
TELLING = {"order-detail", "settings-methods"}  # where a payer reads it: the control


def _plant(browser: Browser) -> dict[str, tuple[str, ...]]:
    """Payer → words that stand in the payer's timelines and at the payer's cards, and nowhere else."""
    found: dict[str, tuple[str, ...]] = {}
    for payer, last4 in CARDS.items():
        firm = browser.world.person(payer).firm
        step, hand = f"zzstep-{payer}", f"zzhand-{payer}"
        for order in Order.objects.filter(payer=firm):
            OrderEvent.objects.create(order=order, at=NOW, kind=step, actor_label=hand)
        PaymentMethod.objects.filter(owner=firm).update(last4=last4)
        found[payer] = (step, hand, last4)
    return found


@pytest.mark.walk
@pytest.mark.django_db
@pytest.mark.rule("R1")
def test_only_the_payer_reads_the_timeline_and_the_card_on_any_page(browser: Browser) -> None:
    planted = _plant(browser)
    paths = {payer: browser.world.person(payer).firm.path for payer in planted}
    walker = Walker(browser, addresses.routes())
    told, control, looked_at = [], set[tuple[str, str]](), 0
    for role, person in WALKERS.items():
        if role is Role.OPERATOR:
            continue  # sells, judges and supports: reads everything
        for route, path in walker.pages(person, role):
            answer = browser.ask(person, "GET", path)
            if answer.status != 200:
                continue
            looked_at += 1
            for payer, words in planted.items():
                if role is not Role.MANAGER and paths[payer].startswith(browser.world.person(person).firm.path):
                    if route.name in TELLING:
                        control |= {(payer, word) for word in words if word in answer.body}
                    continue  # pays, or stands above who does
                read = [word for word in words if word in answer.body]
                if read:
                    told.append(f"{person} reads {read} of {payer} at {path}")
    assert not told, "\n".join(told[:40])
    assert looked_at > 150
    assert control >= {(payer, word) for payer in ("dora", "ivan", "sam") for word in planted[payer]}
