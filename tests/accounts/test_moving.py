"""Moving an installer to another sub-distributor with all it owns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist

from accounts import actions
from accounts.actions import terms
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Kind, Membership, Notice, Organization
from communities.actions import assignments
from communities.models import Apartment, Entitlement, Site
from payments import actions as payment_actions
from subscriptions.actions import carts, orders, tenancy
from subscriptions.models import Order, OrderLine, RenewalRequest
from tests.flows.tenants import assert_tenants_consistent
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.places import MAC, stock
from tests.subscriptions.lookups import BASE


@pytest.fixture
def kvist(people: People) -> Organization:
    """A second sub-distributor of Dora."""
    return actions.create_organization(
        people.dora.actor, kind=Kind.SUBDISTRIBUTOR, name="Kvist", parent=people.dora.firm, now=NOW
    )


@pytest.fixture
def estate(people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Site:
    """A site of Ines, below Sam, with everything that hangs on it."""
    site = make_site("Fjord View", by=people.ines, pm_app=True, booking=True)
    make_apartment(site, by=people.ines)
    firm = actions.create_organization(
        people.ines.actor, kind=Kind.MANAGER, name="Vik Forvaltning", parent=people.ines.firm, now=NOW
    )
    vik = Person(actions.add_member(SYSTEM, organization=firm, email="v@vik.example", name="Vik", now=NOW))
    tom = Person(
        actions.add_member(
            SYSTEM, organization=people.ines.firm, email="t@norden.example", name="Tom", now=NOW, is_technician=True
        )
    )
    actor = people.ines.actor
    assignments.set_managers(actor, site_id=site.pk, pm_app_by_membership={vik.membership.pk: True}, now=NOW)
    assignments.set_technicians(actor, site_id=site.pk, membership_ids=[tom.membership.pk], now=NOW)
    stock(people, MAC, to=people.ines)
    return site


def move(people: People, to: Organization, by: Person | None = None) -> Organization:
    return tenancy.move_installer((by or people.dora).actor, installer_id=people.ines.firm.pk, to_id=to.pk, now=NOW)


def test_every_table_with_a_sub_distributors_key_goes_along_or_stays_with_a_reason() -> None:
    def has_key(model) -> bool:
        try:
            model._meta.get_field("subdistributor")
        except FieldDoesNotExist:
            return False
        return True

    keyed = {model for model in apps.get_models() if has_key(model)} - {Organization}
    assert keyed == {*tenancy.MOVED, *tenancy.STAYS}
    assert not set(tenancy.MOVED) & set(tenancy.STAYS)
    assert all(len(reason) > 20 for reason in tenancy.STAYS.values())


@pytest.mark.rule("R1")
def test_all_it_owns_goes_along(people: People, estate: Site, kvist: Organization) -> None:
    assert Site.objects.visible_to(people.sam.actor).get() == estate
    moved = move(people, kvist)
    assert (moved.parent_id, moved.subdistributor_id, moved.distributor_id) == (kvist.pk, kvist.pk, people.dora.firm.pk)
    assert moved.path.startswith(kvist.path)
    manager = Organization.objects.get(name="Vik Forvaltning")
    assert (manager.path.startswith(moved.path), manager.subdistributor_id) == (True, kvist.pk)
    for model in tenancy.MOVED:
        keys = set(model._default_manager.filter(installer=moved).values_list("subdistributor_id", flat=True))
        assert keys <= {kvist.pk}, model
    assert Entitlement.objects.filter(subdistributor=kvist).count() == 3
    assert not Site.objects.visible_to(people.sam.actor).exists()
    assert not Organization.objects.visible_to(people.sam.actor).filter(pk=moved.pk).exists()
    assert_tenants_consistent()


@pytest.mark.rule("R9")
def test_a_move_is_audited_and_the_audit_of_before_stays(people: People, estate: Site, kvist: Organization) -> None:
    old = AuditEvent.objects.get(action="site.created")
    move(people, kvist)
    event = AuditEvent.objects.get(action="organization.moved")
    assert (event.before["under"], event.after["under"]) == (people.sam.firm.pk, kvist.pk)
    assert (event.user_id, event.subdistributor_id) == (people.dora.membership.user_id, kvist.pk)
    assert (event.after["rows"]["site"], event.after["rows"]["libraryentry"]) == (1, 1)
    old.refresh_from_db()
    assert old.subdistributor_id == people.sam.firm.pk


@pytest.mark.rule("R1")
@pytest.mark.rule("R9")
def test_who_loses_it_reads_so_without_learning_where_it_went_and_both_sides_are_told(
    people: People, estate: Site, kvist: Organization
) -> None:
    kaja = actions.add_member(SYSTEM, organization=kvist, email="kaja@kvist.example", name="Kaja", now=NOW)
    gone = actions.add_member(SYSTEM, organization=kvist, email="gone@kvist.example", name="Gone", now=NOW)
    Membership.objects.filter(pk=gone.pk).update(is_active=False)
    move(people, kvist)
    lost = AuditEvent.objects.visible_to(people.sam.actor).filter(subject_type="organization").first()
    assert lost is not None
    assert (lost.action, lost.subject_label, lost.organization) == (
        "organization.moved_away", "Norden Port AS", people.sam.firm,
    )  # fmt: skip
    assert (lost.before, lost.after) == ({"under": people.sam.firm.pk}, {"auto_renewals_ended": 0})
    assert "Kvist" not in str(list(AuditEvent.objects.visible_to(people.sam.actor).values()))
    letters = {notice.email: notice for notice in Notice.objects.filter(key__startswith="installer-moved:")}
    assert {email: (notice.subject, notice.organization) for email, notice in letters.items()} == {
        "sam@sund.example": ("Norden Port AS was moved away from you", people.sam.firm),
        "kaja@kvist.example": ("Norden Port AS is yours to look after now", kvist),
    }
    assert "Kvist" not in letters["sam@sund.example"].body
    assert f"/users/firms/{people.ines.firm.pk}/" in letters["kaja@kvist.example"].body
    assert letters["kaja@kvist.example"] in Notice.objects.visible_to(Person(kaja).actor).about(people.ines.firm)


def test_the_change_reads_in_names_and_words(people: People, estate: Site, kvist: Organization, sign_in) -> None:
    move(people, kvist)
    event = AuditEvent.objects.get(action="organization.moved")
    client = sign_in(people.dora)
    table = b"".join(client.get("/settings/audit/", {"format": "csv", "days": "all"})).decode()
    for page in (client.get(f"/settings/audit/{event.pk}/").content.decode(), table):
        for words in ("Sund Partner", "Kvist", "Sites: 1", "MACs in the library: 1", "Property managers of sites: 1"):
            assert words in page, words
        for raw in ("Managerassignment", "Libraryentry", f"Sub-distributor: {kvist.pk}"):
            assert raw not in page, raw
    assert "Norden Port AS was moved away" in sign_in(people.sam).get("/settings/audit/?days=all").content.decode()


@pytest.mark.rule("R1")
def test_neither_sub_distributor_reads_the_others_name_in_the_audit(
    people: People, estate: Site, kvist: Organization, sign_in
) -> None:
    """Kaja gets what Sam loses: the page and the file of each name its own firm and not the other."""
    kaja = Person(actions.add_member(SYSTEM, organization=kvist, email="kaja@kvist.example", name="Kaja", now=NOW))
    terms.accept(kaja.membership.user, now=NOW)
    move(people, kvist)
    for person, action, own, sibling in (
        (kaja, "organization.moved", "Kvist", "Sund Partner"),
        (people.sam, "organization.moved_away", "Sund Partner", "Kvist"),
    ):
        client, event = sign_in(person), AuditEvent.objects.get(action=action)
        file = b"".join(client.get("/settings/audit/", {"format": "csv", "days": "all"})).decode()
        for text in (client.get(f"/settings/audit/{event.pk}/").content.decode(), file):
            assert f"Belongs to: {own}" in text or f">{own}<" in text
            assert sibling not in text


def test_to_directly_below_the_distributor_and_back(people: People, estate: Site) -> None:
    paths = list(Organization.objects.order_by("pk").values_list("path", flat=True))
    assert move(people, people.dora.firm).subdistributor_id is None
    assert_tenants_consistent()
    assert not Site.objects.visible_to(people.sam.actor).exists()
    move(people, people.sam.firm)
    assert list(Organization.objects.order_by("pk").values_list("path", flat=True)) == paths
    assert Site.objects.visible_to(people.sam.actor).get() == estate
    assert_tenants_consistent()


@pytest.mark.rule("R1")
@pytest.mark.rule("R2")
def test_only_the_distributor_moves_and_only_within_its_tree(people: People, estate: Site, kvist: Organization) -> None:
    def rows() -> list[tuple[object, ...]]:
        return list(Organization.objects.order_by("pk").values_list("path", "parent", "subdistributor"))

    before = rows()
    for person in (people.sam, people.ines, people.olga, people.ivan, people.petra):
        with pytest.raises(NotPermitted):
            move(people, kvist, by=person)
    with pytest.raises(Organization.DoesNotExist):
        move(people, kvist, by=people.mallory)
    for target in (people.mallory.firm, people.olga.firm, people.ivan.firm, people.ines.firm, people.petra.firm):
        with pytest.raises(Organization.DoesNotExist):
            move(people, target)
    with pytest.raises(Refused, match="It is there already"):
        move(people, people.sam.firm)
    with pytest.raises(Organization.DoesNotExist):
        tenancy.move_installer(people.dora.actor, installer_id=kvist.pk, to_id=people.sam.firm.pk, now=NOW)
    assert rows() == before
    assert not AuditEvent.objects.filter(action="organization.moved").exists()


def test_the_page_says_what_goes_along_and_moves(people: People, estate: Site, kvist: Organization, sign_in) -> None:
    address = f"/users/firms/{people.ines.firm.pk}/move/"
    client = sign_in(people.dora)
    page = client.get(address).content.decode()
    assert "<dt>Sites</dt><dd>1</dd>" in page
    assert "<dt>Property managers</dt><dd>1</dd>" in page
    assert "Kvist" in page
    assert "Zephyr" not in page
    assert client.post(address, {"to": people.mallory.firm.pk}).status_code == 422
    assert client.post(address, {"to": kvist.pk})["Location"] == f"/users/firms/{people.ines.firm.pk}/"
    assert Organization.objects.get(pk=people.ines.firm.pk).parent_id == kvist.pk
    for person, status in ((people.sam, 403), (people.mallory, 404), (people.ines, 403)):
        assert sign_in(person).post(address, {"to": kvist.pk}).status_code == status


@pytest.mark.rule("R26")
def test_open_orders_are_closed_first_and_old_ones_keep_their_tenants(
    people: People, estate: Site, kvist: Organization, price_list, sandbox
) -> None:
    """Sam orders for Ines; while that is open nothing moves, and once it is cancelled it stays Sam's."""
    payment_actions.save_billing(
        people.sam.actor, organization=people.sam.firm, now=NOW, company="Sund", email="a@sund.example",
        street="Way 1", postal_code="8000", city="Aarhus", country="DK",
    )  # fmt: skip
    items = carts.activatable(people.sam.actor, installer=people.ines.firm, site_kind="community")
    cart = carts.fill_cart(
        people.sam.actor, installer_id=people.ines.firm.pk, site_kind="community",
        entitlement_ids=[item.pk for item in items], months=1, now=NOW,
    )  # fmt: skip
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
    order = orders.place_order(
        people.sam.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW
    )
    with pytest.raises(Refused, match=f"open orders for Norden Port AS: {order.number}"):
        move(people, kvist)
    assert Organization.objects.get(pk=people.ines.firm.pk).parent_id == people.sam.firm.pk
    orders.cancel_order(people.sam.actor, number=order.number, now=NOW)
    move(people, kvist)
    assert set(OrderLine.objects.values_list("subdistributor_id", flat=True)) == {people.sam.firm.pk}
    assert Order.objects.visible_to(people.sam.actor).get().subdistributor_id == people.sam.firm.pk
    assert not RenewalRequest.objects.exists()
    assert_tenants_consistent()
    Site.objects.filter(pk=estate.pk).update(subdistributor=people.sam.firm)
    with pytest.raises(AssertionError, match="subdistributor"):
        assert_tenants_consistent()
