"""Accepting a site: what goes along, what ends, what stays, and what each side sees of it afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist

from accounts.actions import long_jobs
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Notice
from communities import consistency
from communities.actions import assignments, registrations
from communities.actions.pms_sync import ConnectionOver
from communities.actions.registrations import CodeOver
from communities.errors import NameTaken
from communities.models import (
    Apartment,
    ApartmentImport,
    Entitlement,
    ManagerAssignment,
    PmsConnection,
    ServiceChange,
    Site,
    Target,
    TechnicianAssignment,
    keys_of,
)
from devices import actions as device_actions
from devices.models import Device, LibraryEntry
from subscriptions import handover as dry_runs
from subscriptions import ledger
from subscriptions.actions import carts, handing_over, handovers, orders, requests, tenancy
from subscriptions.errors import HandoverOutdated
from subscriptions.models import (
    AutoRenewal,
    AutoRenewalItem,
    Cart,
    Handover,
    Order,
    OrderLine,
    RenewalRequest,
    Selection,
)
from tests.communities.connected import connected, sent, synced
from tests.communities.registered import asked, printed, token_of_last_mail
from tests.devices.macs import FIRST, SECOND, monitor
from tests.flows.tenants import assert_tenants_consistent
from tests.people import NOW, People, Person


def here(site: Site) -> Site:
    return Site.objects.get(pk=site.pk)


def assert_agreed() -> None:
    """Tenants, targets, money and the summary by day agree."""
    assert_tenants_consistent()
    assert [*consistency.verify()] == []
    assert [str(fault) for fault in ledger.verify()] == []


def test_every_table_of_a_site_goes_along_or_stays_with_a_reason() -> None:
    def has(model, *names: str) -> bool:
        try:
            return all(model._meta.get_field(name) for name in names)
        except FieldDoesNotExist:
            return False

    of_site = {model for model in apps.get_models() if has(model, "site", "distributor")}
    assert of_site == {*tenancy.OF_SITES, *tenancy.STAYS_AT_HANDOVER} - {Site}
    assert not set(tenancy.OF_SITES) & set(tenancy.STAYS_AT_HANDOVER)
    assert all(len(reason) > 20 for reason in tenancy.STAYS_AT_HANDOVER.values())


@pytest.mark.rule("R1")
@pytest.mark.rule("R33")
def test_the_site_goes_with_its_paid_time_and_orders_stay(
    people: People, kai: Person, agree: Callable[..., AutoRenewal], harbour_view: Site, offer, accept
) -> None:
    """Dora paid for Ivan and renews by card; Kai gets the site, paid as it is, and reads nothing of who paid."""
    auto_renewal = agree()
    paid = {row.pk: (row.expires_at, row.paid_variant) for row in Entitlement.objects.all()}
    version = here(harbour_view).version
    done = accept(offer(harbour_view))
    site = here(harbour_view)
    assert (done.state, site.installer, site.version) == ("accepted", kai.firm, version + 1)
    for model in tenancy.OF_SITES:
        assert not model._default_manager.filter(installer=people.ivan.firm).exists(), model
    mine = Entitlement.objects.visible_to(kai.actor)
    assert {row.pk: (row.expires_at, row.paid_variant) for row in mine} == paid
    assert set(mine.values_list("mode", flat=True)) == {"manual"}
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.reason) == ("ended", "handed_over")
    assert not AutoRenewalItem.objects.live().exists()
    assert not Order.objects.visible_to(kai.actor).exists()
    assert not OrderLine.objects.visible_to(kai.actor).exists()
    assert not AutoRenewal.objects.visible_to(kai.actor).exists()
    assert Order.objects.visible_to(people.ivan.actor).get().installer == people.ivan.firm
    assert OrderLine.objects.visible_to(people.ivan.actor).count() == len(paid)
    for person in (people.ivan, people.tess, people.petra):
        assert not Site.objects.visible_to(person.actor).exists()
        assert not Entitlement.objects.visible_to(person.actor).exists()
    assert_agreed()


@pytest.mark.rule("R3")
def test_people_of_the_old_installer_lose_it_and_the_new_one_reads_no_name(
    people: People, kai: Person, agree, harbour_view: Site, offer, accept
) -> None:
    assignments.set_technicians(
        people.ivan.actor, site_id=harbour_view.pk, membership_ids=[people.tess.membership.pk], now=NOW
    )
    agree()
    run = dry_runs.dry_run(here(harbour_view), NOW)
    assert (run.counts["managers"], run.counts["pm_apps"], run.counts["technicians"]) == (1, 1, 1)
    accept(offer(harbour_view))
    row = ManagerAssignment.objects.get()
    assert (row.membership, row.pm_app, row.ended_at, str(row)) == (None, False, NOW, "Former manager")
    assert not TechnicianAssignment.objects.exists()
    app = Entitlement.objects.get(target=row.target_id)
    assert (app.variant, app.is_in_force(NOW), str(app.target)) == ("", True, "Former manager")
    assignments.set_managers(kai.actor, site_id=harbour_view.pk, pm_app_by_membership={}, now=NOW)
    assert_agreed()


def test_its_registration_codes_end_and_go_along(people: People, make_site, make_apartment, offer, accept) -> None:
    flat = make_apartment(make_site())
    code = printed(people.ivan, flat)
    asked(code.token)
    token = token_of_last_mail()
    taken = accept(offer(flat.site))
    code.row.refresh_from_db()
    assert (code.row.revoked_at, code.row.installer_id) == (NOW, taken.taker_id)
    for attempt in (
        lambda: registrations.find_code(code.token, now=NOW),
        lambda: registrations.confirm_registration(token=token, now=NOW),
    ):
        with pytest.raises(CodeOver):
            attempt()
    assert_agreed()


@pytest.mark.rule("R29")
def test_its_connection_to_a_property_management_system_ends(
    people: People, make_site, make_apartment, offer, accept
) -> None:
    site = make_site()
    token = connected(people, site)
    synced(token, sent("kim", make_apartment(site)))
    assert dry_runs.dry_run(here(site), NOW).counts["pms"] == 1
    taken = accept(offer(site))
    row = PmsConnection.objects.get()
    assert (row.revoked_at, row.installer_id) == (NOW, taken.taker_id)
    assert here(site).price_class == "normal"
    with pytest.raises(ConnectionOver):
        synced(token, sent("kim", Apartment.objects.get()))
    assert_agreed()


def test_the_dry_run_says_what_goes_along_and_what_ends(
    people: People, kai: Person, agree, harbour_view: Site, offer, accept, make_site, make_apartment, fill_cart
) -> None:
    agree()
    other = make_site("Elbe Park", booking=True)
    make_apartment(other)
    make_apartment(harbour_view, "1.03")
    free = Entitlement.objects.filter(expires_at=None).wanted()
    both, only_here = fill_cart(items=free), fill_cart(items=free.filter(site=harbour_view))
    elsewhere = fill_cart(items=free.filter(site=other))
    run = dry_runs.dry_run(here(harbour_view), NOW)
    assert {code: run.counts[code] for code in ("buildings", "apartments", "residents", "renewals", "carts")} == {
        "buildings": 1, "apartments": 3, "residents": 3, "renewals": 5, "carts": 2,
    }  # fmt: skip
    assert [(row.service_type, row.count) for row in run.paid] == [("app", 2), ("premium", 2)]
    done = accept(offer(harbour_view))
    assert done.counts == dict(run.counts)
    assert not Cart.objects.filter(pk=only_here.pk).exists()
    assert Selection.objects.count() == Cart.objects.count() == 3  # the ordered one, and two with items elsewhere
    both.refresh_from_db()
    assert {item.site_id for item in carts.contents(both)} == {other.pk}
    assert (both.selection.digest, both.selection.count) == ("", None)
    assert carts.contents(elsewhere).count() == 2
    assert_agreed()


def test_its_items_leave_an_agreement_that_goes_on_with_another_site(
    people: People, kai: Person, agree, harbour_view: Site, offer, accept, make_site, make_apartment
) -> None:
    auto_renewal = agree()
    other = make_site("Elbe Park")
    flat = make_apartment(other)
    app = Entitlement.objects.get(target=flat.target_id)
    until = Entitlement.objects.exclude(expires_at=None)[0].expires_at
    assert until is not None
    Entitlement.objects.filter(pk=app.pk).pay_until(until)
    AutoRenewalItem.objects.create(auto_renewal=auto_renewal, entitlement=app, **keys_of(other))
    accept(offer(harbour_view))
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "active"
    assert [item.entitlement_id for item in auto_renewal.items.live()] == [app.pk]
    left = AuditEvent.objects.get(action="auto_renewal.items_left")
    assert (left.after, left.organization, left.actor_label) == ({"handed_over": 5}, people.dora.firm, "SmartPlus")
    letter = Notice.objects.get(key__startswith="handover-done:", email="dora@nordlys.example")
    assert "Your auto-renewals do not pay for it any more" in letter.body


@pytest.mark.rule("R26")
def test_it_waits_for_open_orders_and_awaited_payments(
    people: People, kai: Person, harbour_view: Site, fill_cart, place, sandbox, offer, accept
) -> None:
    order = place(fill_cart())
    handover = offer(harbour_view)
    for state, text in (("processing", "An order of this site is open"), ("cancelled", "A payment for this site")):
        Order.objects.filter(pk=order.pk).update(state=state)
        if state == "cancelled":
            Entitlement.objects.update(reserved_by=None)
        with pytest.raises(Refused, match=text) as refusal:
            accept(handover)
        assert order.number not in str(refusal.value)
        assert order.number in " ".join(dry_runs.obstacles(people.ivan.actor, here(harbour_view)))
        assert here(harbour_view).installer == people.ivan.firm
    Order.objects.filter(pk=order.pk).update(state="processing")
    orders.cancel_order(people.dora.actor, number=order.number, now=NOW)
    accept(handover)
    assert here(harbour_view).installer == kai.firm
    assert_agreed()


def test_it_waits_for_jobs_and_leaves_no_import_that_nobody_wrote(
    people: People, kai: Person, harbour_view: Site, offer, accept
) -> None:
    handover, keys = offer(harbour_view), keys_of(harbour_view)
    for started in (None, NOW):
        ApartmentImport.objects.create(
            **keys, name=f"{started}.csv", created_at=NOW, changed_at=NOW, started_at=started
        )
    job = long_jobs.start_job(
        people.ivan.actor, kind="export", subject="Sites", parameters={}, site_id=harbour_view.pk, now=NOW
    )
    with pytest.raises(Refused, match="is not finished"):
        accept(handover)
    assert here(harbour_view).installer == people.ivan.firm
    assert ApartmentImport.objects.filter(installer=people.ivan.firm).count() == 2
    long_jobs.cancel_job(people.ivan.actor, job_id=job.pk, now=NOW)
    accept(handover)
    assert [row.started_at for row in ApartmentImport.objects.filter(installer=kai.firm)] == [NOW]
    assert not ApartmentImport.objects.filter(installer=people.ivan.firm).exists()


def test_requests_lose_its_items_and_end_where_nothing_is_left(
    people: People, kai: Person, harbour_view: Site, price_list, offer, accept, make_site, make_apartment
) -> None:
    other = make_site("Elbe Park")
    make_apartment(other)
    ids = {
        site: list(Entitlement.objects.filter(site=site).wanted().values_list("pk", flat=True))
        for site in (harbour_view, other)
    }
    first, *rest = ids[harbour_view]
    for items in ([first], [*rest, *ids[other]]):
        requests.request_activation(people.ivan.actor, site_kind="community", months=1, entitlement_ids=items, now=NOW)
    assert dry_runs.dry_run(here(harbour_view), NOW).counts["requests"] == len(ids[harbour_view])
    accept(offer(harbour_view))
    goes_on, ended = RenewalRequest.objects.order_by("-pk")
    assert (ended.state, ended.reason) == ("withdrawn", "Harbour View was handed over to another installer.")
    assert ended.decided_by is None
    assert goes_on.state == "open"
    assert set(goes_on.items.filter(is_live=True).values_list("entitlement_id", flat=True)) == set(ids[other])
    again = requests.request_activation(
        kai.actor, site_kind="community", months=1, entitlement_ids=ids[harbour_view][1:2], now=NOW
    )
    assert again.installer == kai.firm
    assert_agreed()


@pytest.mark.rule("R72")
def test_devices_go_with_their_rows_of_the_library(
    people: People, kai: Person, make_site, make_apartment, offer, accept
) -> None:
    rows = [device_actions.LibraryRow(mac, model="C313", confirmed=True) for mac in (FIRST, SECOND)]
    device_actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    site, other = make_site(indoor_monitor=False), make_site("Elbe Park", indoor_monitor=False)
    flats = [make_apartment(one, indoor_monitor=False) for one in (site, other)]
    stays, goes = (
        device_actions.add_monitor(people.ivan.actor, apartment_id=flats[0].pk, entry=monitor(FIRST), now=NOW),
        device_actions.add_monitor(people.ivan.actor, apartment_id=flats[1].pk, entry=monitor(SECOND), now=NOW),
    )
    for device in (stays, goes):  # each was at the other site before
        device_actions.remove_device(people.ivan.actor, device_id=device.pk, now=NOW)
    device_actions.add_monitor(people.ivan.actor, apartment_id=flats[0].pk, entry=monitor(SECOND), now=NOW)
    accept(offer(site))
    owners = {entry.address.hex: entry.installer for entry in LibraryEntry.objects.select_related("installer")}
    assert owners == {FIRST: people.ivan.firm, SECOND: kai.firm}
    assert Device.objects.active().get().installer == kai.firm
    removed = Device.objects.exclude(removed_at=None).values_list("installer", "library_entry").order_by("pk")
    assert [*map(tuple, removed)] == [(kai.firm.pk, None), (people.ivan.firm.pk, None)]
    assert LibraryEntry.objects.visible_to(kai.actor).count() == 1
    assert_agreed()


@pytest.mark.rule("R77")
def test_a_name_that_clashes_is_asked_for_first(people: People, kai: Person, make_site, offer, accept) -> None:
    make_site("HARBOUR VIEW", by=kai)
    site = make_site()
    handover = offer(site)
    for name in ("", "harbour  view"):
        with pytest.raises(NameTaken) as refusal:
            accept(handover, name=name)
        assert refusal.value.field == "name"
    assert here(site).installer == people.ivan.firm
    done = accept(handover, name="Harbour View 2")
    assert (here(site).name, done.site_name) == ("Harbour View 2", "Harbour View")
    given = AuditEvent.objects.visible_to(people.ivan.actor).get(action="site.given")
    assert given.subject_label == "Harbour View"
    assert_agreed()


def test_what_changed_since_the_dry_run_is_shown_again(
    people: People, kai: Person, make_site, make_apartment, offer
) -> None:
    site = make_site()
    handover, shown = offer(site), dry_runs.dry_run(site, NOW).digest
    make_apartment(site)
    with pytest.raises(HandoverOutdated):
        handing_over.accept(kai.actor, handover_id=handover.pk, digest=shown, now=NOW)
    assert (here(site).installer, Handover.objects.get().state) == (people.ivan.firm, "asked")


@pytest.mark.rule("R9")
def test_both_sides_are_told_and_audited_without_names_of_the_other_firms_people(
    people: People, kai: Person, harbour_view: Site, offer, accept
) -> None:
    accept(offer(harbour_view))
    letters = {letter.email: letter for letter in Notice.objects.filter(key__startswith="handover-done:")}
    assert {email: letter.subject for email, letter in letters.items()} == {
        "ivan@hafen.example": "Harbour View was handed over to Quay Electric"
    }
    assert "Kai" not in letters["ivan@hafen.example"].body
    got = AuditEvent.objects.visible_to(kai.actor).get(action="site.received")
    assert (got.before, got.after["installer_id"]) == ({"installer_id": people.ivan.firm.pk}, kai.firm.pk)
    assert got.after["rows"]["apartment"] == 2
    assert got.actor_label.startswith("Kai")
    gave = AuditEvent.objects.visible_to(people.ivan.actor).get(action="site.given")
    assert gave.actor_label == "SmartPlus"
    assert not AuditEvent.objects.visible_to(kai.actor).filter(action="site.created").exists()
    assert AuditEvent.objects.visible_to(people.ivan.actor).filter(action="site.created").exists()


@pytest.mark.rule("R1")
def test_nobody_else_accepts(people: People, kai: Person, make_site, offer, accept) -> None:
    handover = offer(make_site())
    for person in (people.ivan, people.dora, people.olga):
        with pytest.raises(NotPermitted):
            accept(handover, by=person)
    for person in (people.ines, people.tess, people.petra, people.mallory, people.igor, people.sam):
        with pytest.raises(Handover.DoesNotExist):
            accept(handover, by=person)
    assert Site.objects.get().installer == people.ivan.firm


def test_it_may_go_on_to_a_third_installer_and_back(
    people: People, kai: Person, agree, harbour_view: Site, offer, accept, make_site
) -> None:
    """Below a sub-distributor, and home again: whatever is frozen stays, whatever is current goes."""
    agree()
    ServiceChange.objects.create(**keys_of(harbour_view), created_at=NOW, count=1, looked_at=1, landline=True)
    accept(offer(harbour_view))
    to_ines = handovers.ask(kai.actor, site_id=harbour_view.pk, to_name="norden port as", now=NOW)
    accept(to_ines, by=people.ines)
    assert here(harbour_view).subdistributor == people.sam.firm
    assert Site.objects.visible_to(people.sam.actor).get() == harbour_view
    assert not ServiceChange.objects.visible_to(people.sam.actor).exists()
    assert_agreed()
    home = handovers.ask(people.dora.actor, site_id=harbour_view.pk, to_id=people.ivan.firm.pk, now=NOW)
    accept(home, by=people.ivan)
    assert here(harbour_view).installer == people.ivan.firm
    assert Apartment.objects.visible_to(people.ivan.actor).count() == 2
    assert set(Target.objects.values_list("installer", flat=True)) == {people.ivan.firm.pk}
    assert_agreed()
