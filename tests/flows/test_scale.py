"""A world for load: as true as what the actions build, whatever its size."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User
from accounts.typed.columns import keys_of_model
from communities.models import Apartment, Entitlement, Site
from devices.models import Device
from payments.models import GatewayCustomer, Payment, PaymentMethod
from smartplus.scale import building, pattern
from smartplus.scale.building import World
from smartplus.scale.copying import project_models
from smartplus.scale.gateway import stand_in
from subscriptions import numbers
from subscriptions.actions import settlement
from subscriptions.items import free_items
from subscriptions.models import Order
from tests.flows.ledger import assert_tenants_consistent
from tests.people import People

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("scale")]
NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def world() -> World:
    """Two trees, one grown after it was built: 24 apartments, and then 48."""
    made = building.build(24, now=NOW, flats=2)
    building.grow(made, 48)
    return made


def test_it_is_as_large_as_was_asked_and_as_true_as_what_people_made(world: World) -> None:
    assert Apartment.objects.count() == world.apartments == 48
    assert world.estates == [3, 3]
    assert Site.objects.count() == 24
    out = StringIO()
    call_command("verify_ledger", stdout=out)  # exit 1 would be a CommandError
    assert "0 events waiting" in out.getvalue()
    assert_tenants_consistent()
    assert_keys_are_what_saving_writes()
    assert_copies_differ()


def assert_keys_are_what_saving_writes() -> None:
    wrong = [
        f"{model.__name__} {row.pk}.{column.name}: {getattr(row, column.attname)!r} is not {column.of(row)!r}"
        for model in project_models()
        if (columns := keys_of_model(model))
        for row in model._default_manager.iterator(chunk_size=500)
        for column in columns
        if getattr(row, column.attname) != column.of(row)
    ]
    assert not wrong, "\n".join(wrong[:20])


def assert_copies_differ() -> None:
    orders = Order.objects.all()
    assert all(numbers.is_valid(order.number) for order in orders)
    assert all(order.number[3:9] == f"{order.created_at:%y%m%d}" for order in orders)
    assert set(Payment.objects.values_list("subject", flat=True)) <= {order.number for order in orders}
    assert Site.objects.values("name_key", "installer").distinct().count() == 24
    assert Device.objects.values("mac").distinct().count() == Device.objects.count()
    assert PaymentMethod.objects.values("gateway_ref").distinct().count() == PaymentMethod.objects.count()
    days = set(Entitlement.objects.exclude(expires_at=None).dates("expires_at", "day"))
    assert len(days) > 10
    assert min(days) < NOW.date() - timedelta(days=1)
    assert max(days) > NOW.date() + timedelta(days=200)
    # what a firm has once, it has once
    assert GatewayCustomer.objects.count() == GatewayCustomer.objects.values("owner").distinct().count() == 4
    for firm in Organization.objects.exclude(parent=None).select_related("parent"):
        assert firm.parent is not None
        assert firm.path == f"{firm.parent.path}{firm.pk:08d}."


def test_people_go_on_working_in_a_copy(world: World) -> None:
    tree = world.trees[1]
    site = Site.objects.filter(distributor_id=tree.distributor.organization_id, name__startswith="Nyhavn").latest("pk")
    free = free_items(tree.subdistributor).filter(site=site).count()
    assert free
    with stand_in() as sandbox:
        processor = pattern.Driver(sandbox)
        order = processor.place(tree.subdistributor, site, months=2, renews=False, now=NOW)
        payment = processor.approve(tree.subdistributor, order, now=NOW)
        settled = settlement.settle(payment.pk, now=NOW)
    assert settled is not None
    assert (settled.state, settled.line_count) == (Order.State.SUCCEED, free)


def test_an_installation_with_organizations_is_refused_and_stays_as_it_is(people: People) -> None:
    before = (Organization.objects.count(), User.objects.count(), AuditEvent.objects.count())
    with pytest.raises(CommandError, match="holds organizations"):
        call_command("demo", scale=100)
    assert before == (Organization.objects.count(), User.objects.count(), AuditEvent.objects.count())


def test_the_command_fills_an_empty_database_and_says_with_what() -> None:
    out = StringIO()
    call_command("demo", scale=8, stdout=out)
    assert "8 apartments of 1 distributors" in out.getvalue()
    assert Apartment.objects.count() == 8
