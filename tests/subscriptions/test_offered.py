"""What Activate and Renew offer (R47), and that an order stays (R56)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from accounts.errors import Refused
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from subscriptions.actions import carts, extending, fulfilment, transitions
from subscriptions.models import Cart, Order, OrderLine
from subscriptions.periods import Months
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, entitlement

pytestmark = pytest.mark.django_db


@pytest.fixture
def app(harbour_view: Site) -> Entitlement:
    """The App of an apartment, never activated."""
    return entitlement(harbour_view, ServiceType.APP, "1.01")


def activatable(people: People) -> set[int]:
    found = carts.activatable(people.dora.actor, installer=people.ivan.firm, site_kind="community")
    return set(found.values_list("pk", flat=True))


def extendable(people: People) -> set[int]:
    found = carts.extendable(
        people.dora.actor, installer=people.ivan.firm, site_kind="community", term=Months(1), now=NOW
    )
    return set(found.values_list("pk", flat=True))


@pytest.mark.rule("R47")
def test_activate_offers_what_never_was_active_and_renew_the_rest(
    app: Entitlement, people: People, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    wanted = set(Entitlement.objects.wanted().values_list("pk", flat=True))
    assert len(wanted) > 1
    assert (activatable(people), extendable(people)) == (wanted, set())
    order = place(fill_cart(items=[app]))
    assert (activatable(people), extendable(people)) == (wanted - {app.pk}, set())  # reserved: neither of them
    fulfilment.fulfil(order, now=NOW)
    assert (activatable(people), extendable(people)) == (wanted - {app.pk}, {app.pk})


@pytest.mark.rule("R47")
def test_neither_action_takes_what_the_other_is_for(
    app: Entitlement, people: People, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    fulfilment.fulfil(place(fill_cart(items=[app])), now=NOW)
    never = Entitlement.objects.get(pk=min(activatable(people)))
    with pytest.raises(Refused):
        fill_cart(items=[app])
    with pytest.raises(Refused):
        extending.place_extension(
            people.dora.actor, installer_id=people.ivan.firm.pk, site_kind="community", entitlement_ids=[never.pk],
            term=Months(1), fingerprint="", terms_version="1", return_base=BASE, now=NOW,
        )  # fmt: skip
    never.refresh_from_db()
    assert (Order.objects.count(), Cart.objects.count(), never.reserved_by) == (1, 1, None)


@pytest.mark.rule("R56")
def test_an_order_can_not_be_deleted_even_when_it_is_cancelled(
    harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    order = place(fill_cart())
    transitions.close(order, Order.State.CANCELLED, now=NOW, actor=SYSTEM)
    with pytest.raises(ProtectedError):
        order.delete()
    for table, column in ((OrderLine._meta.db_table, "order_id"), (Order._meta.db_table, "id")):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE {column} = {order.pk}")
            connection.check_constraints()
    assert Order.objects.get() == order
