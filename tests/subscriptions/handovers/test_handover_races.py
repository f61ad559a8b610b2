"""A site is handed over in the instant in which somebody orders, renews or asks for something of it: one of both is done, as a whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.errors import ActionError
from communities import consistency
from communities.models import Entitlement, Site
from subscriptions import handover as dry_runs
from subscriptions import ledger
from subscriptions.actions import carts, handing_over, orders, renewals, requests
from subscriptions.models import AutoRenewal, AutoRenewalItem, Cart, Handover, Order, RenewalRequest
from tests.flows.tenants import assert_tenants_consistent
from tests.people import NOW, People, Person
from tests.races import together
from tests.subscriptions.lookups import BASE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def accepting(kai: Person, offer: Callable[..., Handover]) -> Callable[[Site], Callable[[], Handover]]:
    """Kai accepts a site that Ivan offers, as it is before the race."""

    def prepared(site: Site) -> Callable[[], Handover]:
        handover, digest = offer(site), dry_runs.dry_run(Site.objects.get(pk=site.pk), NOW).digest
        return lambda: handing_over.accept(kai.actor, handover_id=handover.pk, digest=digest, now=NOW)

    return prepared


def assert_agreed() -> None:
    assert_tenants_consistent()
    assert [*consistency.verify()] == []
    assert [str(fault) for fault in ledger.verify()] == []


@pytest.mark.rule("R26")
@pytest.mark.rule("R48")
def test_an_order_or_the_handover(
    people: People, kai: Person, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, accepting
) -> None:
    cart = fill_cart()
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW).fingerprint()
    accept = accepting(harbour_view)

    def place() -> Order:
        return orders.place_order(
            people.dora.actor, cart_id=cart.pk, fingerprint=shown, terms_version="1", return_base=BASE, now=NOW
        )

    accepted, placed = together(accept, place)
    assert isinstance(accepted, Handover) != isinstance(placed, Order), (accepted, placed)
    assert all(isinstance(one, Handover | Order | ActionError | Cart.DoesNotExist) for one in (accepted, placed))
    owner = kai.firm if isinstance(accepted, Handover) else people.ivan.firm
    assert Site.objects.get(pk=harbour_view.pk).installer == owner
    assert_agreed()


@pytest.mark.rule("R43")
def test_a_renewal_or_the_handover(people: People, kai: Person, agree, harbour_view: Site, accepting) -> None:
    auto_renewal = agree()
    due = auto_renewal.next_due_at
    accept = accepting(harbour_view)
    accepted, prepared = together(accept, lambda: renewals.prepare([auto_renewal.pk], now=due))
    assert not isinstance(prepared, Exception), prepared
    if isinstance(accepted, Handover):
        assert prepared is None
        assert AutoRenewal.objects.get().state == "ended"
        assert not AutoRenewalItem.objects.live().exists()
    else:
        assert isinstance(accepted, ActionError), accepted
        assert Order.objects.filter(type="auto_renewal", state="processing").exists()
        assert Site.objects.get(pk=harbour_view.pk).installer == people.ivan.firm
    assert_agreed()


def test_a_request_or_the_handover(people: People, kai: Person, harbour_view: Site, price_list, accepting) -> None:
    ids = list(Entitlement.objects.filter(site=harbour_view).wanted().values_list("pk", flat=True))
    accept = accepting(harbour_view)

    def request() -> RenewalRequest:
        return requests.request_activation(
            people.ivan.actor, site_kind="community", months=1, entitlement_ids=ids, now=NOW
        )

    accepted, asked = together(accept, request)
    assert all(isinstance(one, Handover | RenewalRequest | ActionError) for one in (accepted, asked)), (accepted, asked)
    live = RenewalRequest.objects.filter(state="open", items__is_live=True).exists()
    assert live != isinstance(accepted, Handover)
    assert_agreed()


def test_two_answers_at_once(people: People, kai: Person, harbour_view: Site, accepting) -> None:
    accept = accepting(harbour_view)
    found = together(accept, accept)
    assert sorted(isinstance(one, Handover) for one in found) == [False, True], found
    assert all(isinstance(one, Handover | ActionError) for one in found)
    assert_agreed()
