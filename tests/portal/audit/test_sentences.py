"""What happened, as a sentence: which apartment, which manager, which service, how many items, what amount; on every page that tells it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEvent, Membership
from communities.actions import assignments, sites
from communities.models import Apartment, Site
from devices import actions as device_actions
from devices.actions import MonitorEntry
from devices.models import Device
from subscriptions.actions import requests
from subscriptions.models import Cart, Order
from tests.people import NOW, People, Person
from tests.portal.places import MAC, OTHER_MAC, stock
from tests.sites import ADDRESS, OPTIONS

SignIn = Callable[[Person], Client]
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")


def newest(client: Client, n: int = 1) -> list[str]:
    """The newest rows of the audit log."""
    return [row.what for row in client.get("/settings/audit/").context["rows"][:n]]


def on_dashboard(client: Client) -> str:
    return str(client.get("/dashboard/").context["activity"][0].what)


def test_managers_and_technicians_are_named(people: People, harbour_view: Site, sign_in: SignIn) -> None:
    ivan, actor, petra = sign_in(people.ivan), people.ivan.actor, people.petra.membership.pk
    assert newest(ivan) == ["Manager Petra Holm chosen, with the PM App"]
    assert on_dashboard(ivan).startswith("Manager Petra Holm chosen, with the PM App")
    assert (
        ivan.get(f"/sites/{harbour_view.pk}/facts/").context["events"][0][1]
        == "Manager Petra Holm chosen, with the PM App"
    )
    assignments.set_managers(actor, site_id=harbour_view.pk, pm_app_by_membership={petra: False}, now=NOW)
    assert newest(ivan) == ["PM App of Petra Holm switched off"]
    assignments.set_managers(actor, site_id=harbour_view.pk, pm_app_by_membership={}, now=NOW)
    assert newest(ivan) == ["Manager Petra Holm taken off"]
    tess = people.tess.membership.pk
    assignments.set_technicians(actor, site_id=harbour_view.pk, membership_ids=[tess], now=NOW)
    assert newest(ivan) == ["Technician Tess Marin chosen"]
    assignments.set_technicians(actor, site_id=harbour_view.pk, membership_ids=[], now=NOW)
    assert newest(ivan) == ["Technician Tess Marin taken off"]


def test_services_apartments_and_devices_are_named(people: People, harbour_view: Site, sign_in: SignIn) -> None:
    ivan, actor = sign_in(people.ivan), people.ivan.actor
    switches = {**harbour_view.switches, "booking": False, "dynamic_qr": True, "package_room": True}
    harbour_view.refresh_from_db()
    sites.edit_site(
        actor, site_id=harbour_view.pk, version=harbour_view.version, basics={"name": "Harbour View", **ADDRESS},
        free_members=None, switches=switches, options=OPTIONS, now=NOW,
    )  # fmt: skip
    assert newest(ivan) == ["Booking Service off, Package Room on, Dynamic QR Code on"]
    apartment = Apartment.objects.get(number="1.02")
    device_actions.edit_apartment(
        actor, apartment_id=apartment.pk, version=apartment.version, floor="1", number="1.02", name="Penthouse",
        switches={"indoor_monitor": False, "landline": True, "video_storage": False}, now=NOW,
    )  # fmt: skip
    assert newest(ivan) == ["Quay House 1.02: Landline on, Name changed"]
    stock(people, MAC, OTHER_MAC, to=people.ivan)
    device_actions.add_monitor(actor, apartment_id=apartment.pk, entry=MonitorEntry(MAC, "Hallway"), now=NOW)
    assert newest(ivan)[0].endswith("registered in Quay House 1.02")
    device = Device.objects.get().pk
    device_actions.swap_device(actor, device_id=device, entry=MonitorEntry(OTHER_MAC, ""), reason="broken", now=NOW)
    assert newest(ivan)[0].endswith("swapped in Quay House 1.02")


def test_requests_and_orders_say_how_many_items_and_how_much(
    people: People,
    harbour_view: Site,
    fill_cart: Callable[..., Cart],
    place: Callable[..., Order],
    sign_in: SignIn,
) -> None:
    free = requests.requestable(people.ivan.actor, installer=people.ivan.firm, site_kind="community")
    requests.request_activation(
        people.ivan.actor, site_kind="community", entitlement_ids=[item.pk for item in free], months=3, now=NOW
    )
    dora = sign_in(people.dora)
    assert newest(dora) == ["Activation of 5 items requested: 3 months"]
    order = place(fill_cart())
    told = f"Order {order.number} placed: 5 items"
    assert newest(dora) == [f"{told}, US$10.20"]
    assert on_dashboard(dora) == f"{told}, US$10.20"
    Membership.objects.filter(pk=people.dora.membership.pk).update(sees_prices=False)
    assert newest(dora) == [told]
    assert on_dashboard(dora) == told


def test_rows_of_before_keep_their_sentence_their_area_and_their_readers(people: People, sign_in: SignIn) -> None:
    """Rows are sealed: what an auto-renewal was called when they were written stays in them."""
    firm = people.dora.firm
    for action, before, after in (
        ("agreement.made", {}, {"items": 2}),
        ("agreement.parked", {"state": "active"}, {"state": "parked"}),
    ):
        AuditEvent.objects.create(
            at=NOW, actor_label="SmartPlus", actor_role="system", action=action, subject_type="subscription", subject_id=7,
            subject_label="Auto-renewal 7", before=before, after=after, organization=firm, distributor=firm,
        )  # fmt: skip
    dora = sign_in(people.dora)
    assert newest(dora, 2) == ["Auto-renewal 7 stopped by a problem", "Auto-renewal of 2 items agreed"]
    page = dora.get("/settings/audit/?area=orders")
    assert [row.what for row in page.context["rows"][:2]] == newest(dora, 2)
    AuditEvent.objects.create(
        at=NOW, actor_label="Olga", actor_role="operator", action="order.judged", subject_type="order", subject_id=7,
        subject_label="SP-7", organization=firm, distributor=firm,
    )  # fmt: skip
    assert newest(dora, 1) == ["Order SP-7 decided by the operator"]
    assert "Parked" not in page.content.decode()
    Membership.objects.filter(pk=people.dora.membership.pk).update(sees_invoices=False)
    assert "Auto-renewal 7" not in sign_in(people.dora).get("/settings/audit/").content.decode()
