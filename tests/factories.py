"""Rows that tests need in numbers, or only to refer to, with valid defaults. Stories use the actions instead."""

from __future__ import annotations

from typing import Any

from factory.declarations import LazyFunction, SelfAttribute, Sequence
from factory.django import DjangoModelFactory

from accounts.models import Notice, Topic
from communities import catalogue
from communities.actions.targets import made_for
from communities.models import Apartment, Building, Entitlement, Site, keys_of
from devices.catalogue import DeviceType
from devices.models import Device
from payments.models import GatewayEvent, Payment, PaymentMethod
from subscriptions.models import AutoRenewal, Order
from tests.people import NOW


class PaymentMethodFactory(DjangoModelFactory[PaymentMethod]):
    """A stored card; give its `owner`."""

    class Meta:
        model = PaymentMethod

    gateway = "stripe"
    gateway_customer = Sequence(lambda n: f"cus_{n}")
    gateway_ref = Sequence(lambda n: f"pm_{n}")
    brand = "visa"
    last4 = "4242"
    exp_month = 12
    exp_year = 2040
    consent_text_version = "1"
    consent_at = NOW
    created_at = NOW


class OrderFactory(DjangoModelFactory[Order]):
    """An order without lines; give `payer`, `installer`, `distributor` and `price_list`."""

    class Meta:
        model = Order

    number = Sequence(lambda n: f"SP-261122-{n:08}")
    type = Order.Type.ACTIVATION
    site_kind = "community"
    term_kind = "months"
    term_count = 1
    currency = "USD"
    subtotal_minor = 500
    total_minor = SelfAttribute("subtotal_minor")
    line_count = 0
    billing: Any = LazyFunction(dict)
    terms_version = "1"
    terms_accepted_at = SelfAttribute("created_at")
    created_at = NOW


class PaymentFactory(DjangoModelFactory[Payment]):
    """A payment that was sent to the gateway and waits; give its `payer`."""

    class Meta:
        model = Payment

    purpose = "order"
    subject = Sequence(lambda n: f"SP-261122-{n:08}")
    request_key = Sequence(lambda n: f"key-{n}")
    gateway = "stripe"
    amount_minor = 500
    currency = "USD"
    description = ""
    state = "pending"
    created_at = NOW
    updated_at = SelfAttribute("created_at")
    expires_at = NOW


class SubscriptionFactory(DjangoModelFactory[AutoRenewal]):
    """An auto-renewal without items; give `payer`, `installer`, `distributor`, `order` and `method`."""

    class Meta:
        model = AutoRenewal

    currency = "USD"
    terms_version = "1"
    next_due_at = NOW
    created_at = NOW


class GatewayEventFactory(DjangoModelFactory[GatewayEvent]):
    """A verified gateway event, due at once unless `next_try_at` says otherwise."""

    class Meta:
        model = GatewayEvent

    gateway = "stripe"
    event_id = Sequence(lambda n: f"evt_{n}")
    kind = "payment_intent.succeeded"
    raw_body = b"{}"
    received_at = NOW


class NoticeFactory(DjangoModelFactory[Notice]):
    """A waiting mail; give its recipient `user`."""

    class Meta:
        model = Notice

    key = Sequence(lambda n: f"key-{n}")
    topic = Topic.ORDERS
    email = SelfAttribute("user.email")
    subject = Sequence(lambda n: f"letter {n}")
    body = "x"
    queued_at = NOW
    next_try_at = NOW


def apartments(
    site: Site, building: Building, count: int, *, items: dict[str, str], until: Any, **switches: bool
) -> None:
    """`count` apartments x0, x1, … in one statement, each with an item of every service type in `items` (to its variant), paid `until`."""
    flats = [
        Apartment(
            **keys_of(site),
            building=building,
            floor="2",
            number=f"x{n}",
            number_key=f"x{n}",
            created_at=NOW,
            **switches,
        )
        for n in range(count)
    ]
    rows = Apartment.objects.bulk_create(made_for(flats))
    Entitlement.objects.bulk_create(
        Entitlement(
            **keys_of(site),
            target=row.target,
            service_type=kind,
            variant=variant,
            paid_variant=variant,
            expires_at=until,
            works_until=catalogue.works_until(kind, until),
        )
        for row in rows
        for kind, variant in items.items()
    )


def monitors(site: Site) -> None:
    """An indoor monitor in every apartment of a site, with MACs that no story uses."""
    Device.objects.bulk_create(
        Device(
            **keys_of(site), apartment=flat, building=flat.building, mac=0x0C1105F00000 + flat.pk, name="Monitor",
            type=DeviceType.INDOOR_MONITOR.value, created_at=NOW,
        )
        for flat in Apartment.objects.filter(site=site).select_related("building")
    )  # fmt: skip
