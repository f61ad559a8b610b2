"""Rows of two tenants never point at each other: the check that every story runs, and that it finds what is planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from accounts import audit
from accounts.models import AuditEvent, Organization
from communities.actions import assignments
from communities.actions.sites import SITE_CHANGED
from communities.models import Apartment, Building, Entitlement, ManagerAssignment, Resident, Site, Target
from devices.models import Device
from payments.sandbox import Sandbox
from smartplus import demo
from subscriptions.actions import orders, settlement
from subscriptions.models import Cart, Order, OrderLine, RequestItem, Selection, ServicePeriod
from tests.flows.ledger import assert_tenants_consistent
from tests.flows.tenants import claims, project_models
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.attacker import attacker
from tests.subscriptions.lookups import BASE, payment_of

MIXED = "rows of two tenants point at each other"


@pytest.fixture
def order(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> Order:
    """Dora's order for Ivan's Harbour View, paid and applied."""
    placed = place(fill_cart())
    press(orders.start_payment(people.dora.actor, number=placed.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(placed).pk, now=NOW)
    return placed


@pytest.fixture
def foreign(people: People, make_site, make_apartment) -> Apartment:
    """An apartment of Igor, of the other tree."""
    site = make_site("Les Tilleuls", by=people.igor)
    assignments.set_managers(
        people.igor.actor, site_id=site.pk, pm_app_by_membership={people.paul.membership.pk: True}, now=NOW
    )
    apartment: Apartment = make_apartment(site, by=people.igor)
    return apartment


def refuse() -> str:
    with pytest.raises(AssertionError, match=MIXED) as caught:
        assert_tenants_consistent()
    return str(caught.value)


@pytest.mark.rule("R1")
def test_what_the_actions_build_and_pay_keeps_to_its_tenant(order: Order, foreign: Apartment) -> None:
    assert order.lines.count() == 5
    assert_tenants_consistent()


@pytest.mark.rule("R1")
@pytest.mark.django_db
def test_the_demo_keeps_its_two_trees_apart(settings: Any) -> None:
    settings.DEMO = True
    demo.seed(NOW)
    assert Site.objects.count() == 4
    assert Device.objects.count() == 20
    assert_tenants_consistent()


@pytest.mark.django_db
def test_every_model_that_knows_a_tenant_is_walked() -> None:
    walked = {model._meta.label for model in project_models() if claims(model)}
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields}
        if names & {"distributor", "subdistributor", "installer", "site", "organization", "payer"}:
            assert model._meta.label in walked
    assert claims(RequestItem) == {
        "installer": ["request__installer", "entitlement__installer"],
        "site": ["entitlement__site"],
        "distributor": ["request__distributor", "entitlement__distributor"],
        "subdistributor": ["request__subdistributor", "entitlement__subdistributor"],
    }
    assert sorted(claims(AuditEvent)["site"]) == ["batch__site_id", "site_id"]


def test_an_apartment_with_another_distributor_is_found(people: People, order: Order) -> None:
    apartment = Apartment.objects.get(number="1.01")
    Target.objects.filter(pk=apartment.target_id).update(distributor=people.mallory.firm)
    found = refuse()
    assert f"communities.Apartment {apartment.pk} is in more than one distributor" in found
    for entitlement in Entitlement.objects.filter(target=apartment.target_id):  # what points at it is found as well
        assert f"communities.Entitlement {entitlement.pk} is in more than one distributor" in found


def test_an_apartment_in_a_building_of_another_site_is_found(people: People, order: Order, foreign: Apartment) -> None:
    Apartment.objects.filter(number="1.02").update(building=foreign.building_id)
    assert "is in more than one site" in refuse()


def test_a_site_without_its_sub_distributor_is_found(people: People, make_site) -> None:
    site = make_site("North Quay", by=people.ines)
    assert site.subdistributor_id == people.sam.firm.pk
    assert_tenants_consistent()
    Site.objects.filter(pk=site.pk).update(subdistributor=None)
    assert f"has the subdistributor None, the one of its installer is {people.sam.firm.pk}" in refuse()


def test_a_payer_of_another_tree_is_found(people: People, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(payer=people.mallory.firm)
    assert "Zephyr Trading as payer" in refuse()


def test_a_payer_beside_the_installer_in_the_same_tree_is_found(people: People, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(payer=people.sam.firm)
    assert "Sund Partner as payer" in refuse()


def test_a_line_of_somebody_else_in_an_order_is_found(people: People, order: Order, foreign: Apartment) -> None:
    line = OrderLine.objects.earliest("pk")
    with attacker():
        OrderLine.objects.filter(pk=line.pk).update(entitlement=Entitlement.objects.get(target=foreign.target_id))
        assert f"subscriptions.OrderLine {line.pk} is in more than one installer" in refuse()


def test_a_period_of_somebody_else_is_found(people: People, order: Order, foreign: Apartment) -> None:
    with attacker():
        ServicePeriod.objects.filter(pk=ServicePeriod.objects.earliest("pk").pk).update(
            entitlement=Entitlement.objects.get(target=foreign.target_id)
        )
        assert "subscriptions.ServicePeriod" in refuse()


def test_a_selection_of_somebody_else_is_found(people: People, order: Order, foreign: Apartment) -> None:
    Selection.objects.update(organization=people.igor.firm)
    assert "subscriptions.Cart" in refuse()


@pytest.mark.rule("R3")
def test_a_manager_of_another_installer_is_found(people: People, order: Order) -> None:
    ManagerAssignment.objects.update(membership=people.paul.membership)
    assert "is given to somebody of Zephyr Management" in refuse()


@pytest.mark.rule("R3")
def test_a_manager_above_the_installer_is_found(people: People, order: Order) -> None:
    ManagerAssignment.objects.update(membership=people.dora.membership)
    assert "is given to somebody of Nordlys Distribution" in refuse()


def test_an_audit_row_about_somebody_elses_site_is_found(people: People, order: Order, foreign: Apartment) -> None:
    site = Site.objects.get(installer=people.ivan.firm)
    audit.record(people.ivan.actor, SITE_CHANGED, site, now=NOW, tenant=site, site_id=foreign.site_id)
    assert f"names the site {foreign.site_id}, which is somebody else's" in refuse()


def test_an_organization_under_the_wrong_distributor_is_found(people: People, order: Order) -> None:
    Organization.objects.filter(pk=people.petra.firm.pk).update(distributor=people.mallory.firm)
    assert f"accounts.Organization {people.petra.firm.pk} has Zephyr Trading as distributor" in refuse()


def test_a_distributor_that_is_none_is_found(people: People, order: Order) -> None:
    Building.objects.update(distributor=people.ivan.firm)
    assert "has a distributor that is none" in refuse()


def test_a_resident_in_somebody_elses_apartment_is_found(people: People, order: Order, foreign: Apartment) -> None:
    resident = Resident.objects.filter(apartment__number="1.02").get()
    Resident.objects.filter(pk=resident.pk).update(apartment=foreign, is_master=False)
    assert f"communities.Resident {resident.pk} is in more than one installer" in refuse()
