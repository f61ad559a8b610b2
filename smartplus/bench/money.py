"""Cases about money: pricing, placing and settling at one very large community, and webhooks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.actions import terms
from accounts.models import Document, Organization
from accounts.scope import Actor
from communities.models import Site
from payments.models import Payment
from smartplus.bench import floor
from smartplus.bench.cases import Goal, Result
from smartplus.bench.measure import in_turn, undone
from smartplus.bench.people import stranger
from smartplus.scale import pattern
from subscriptions.actions import carts, orders, settlement
from subscriptions.items import free_items
from subscriptions.models import Order
from subscriptions.selections import Filter


def of_orders(
    payer: Actor, site: Site, processor: pattern.Driver, *, now: datetime, most: int, rounds: int
) -> Iterator[Result]:
    """An order of one line and one of `most` lines: priced, placed and settled. Everything is rolled back, so that each round is the same."""
    installer = Organization.objects.select_related("distributor").get(pk=site.installer_id)
    distributor = installer.distributor
    assert distributor is not None
    free = free_items(payer).filter(site=site)

    def price_all() -> int:
        carts.priced(free, distributor=distributor, months=1, now=now)
        return 0

    ours, under = in_turn(price_all, lambda: _grouped(site), rounds=rounds)
    yield Result("quote", f"quote of {free.count()} lines, each with its why", Goal(cpu_ms=1000), ours, under)
    for count in sorted({1, most}):
        text = terms.in_force(Document.TERMS, now=now)
        assert text is not None
        first, last = (free.order_by("pk").values_list("pk", flat=True)[at] for at in (0, count - 1))
        chosen = Filter(installer.pk, site.kind, site_id=site.pk, up_to=last)
        if count == 1:
            chosen = Filter(installer.pk, site.kind, ids=(last,))
        cart = carts.fill_cart(
            payer, installer_id=installer.pk, site_kind=site.kind, months=1, now=now, matching=chosen
        )  # fmt: skip
        shown = carts.priced(carts.contents(cart), distributor=distributor, months=1, now=now)
        told: dict[str, Any] = {
            "cart_id": cart.pk, "fingerprint": shown.fingerprint(), "terms_version": text.version, "return_base": settings.SITE_URL,
        }  # fmt: skip

        def place() -> int:
            with undone():
                orders.place_order(payer, now=now, **told)  # noqa: B023
            return 0

        goal = Goal(cpu_ms=800, statements=20) if count > 1 else Goal(statements=20)
        ours, under = in_turn(place, lambda: _place_plainly(site, first, last), rounds=rounds)  # noqa: B023
        yield Result("place", f"place {count} lines", goal, ours, under)
        with undone():
            order = orders.place_order(payer, now=now, **told)
            payment = processor.approve(payer, order, now=now)

            def settle() -> int:
                with undone():
                    settlement.settle(payment.pk, now=now)  # noqa: B023
                return 0

            goal = Goal(cpu_ms=600, statements=20) if count > 1 else Goal(statements=20)
            ours, under = in_turn(settle, lambda: _settle_plainly(order, now), rounds=rounds)  # noqa: B023
            yield Result("settle", f"settle {count} lines", goal, ours, under)


def _grouped(site: Site) -> int:
    """The number of items of each kind, which the sum of a price needs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT service_type, variant, count(*) FROM communities_entitlement "
            "WHERE site_id = %s AND variant <> '' AND expires_at IS NULL GROUP BY 1, 2",
            [site.pk],
        )
        cursor.fetchall()
    return 0


def _place_plainly(site: Site, first: int, last: int) -> int:
    """Copy the items into lines and reserve them, in two statements without any check."""
    order_id = Order.objects.values_list("pk", flat=True).order_by("-pk")[0]  # any order will do
    with undone(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO subscriptions_orderline (order_id, kind, term_kind, term_count, paid_variant, "
            "entitlement_id, site_id, distributor_id, subdistributor_id, installer_id, "
            "service_type, variant, project_type, price_class, target_label, search_key, starts_at, ends_at, unit_minor, amount_minor, "
            "discount_minor, tax_rate_bp, tax_reason, tax_minor, included_tax_minor) "
            "SELECT %s, 'activation', 'months', 1, '', e.id, e.site_id, e.distributor_id, e.subdistributor_id, e.installer_id, "
            "e.service_type, e.variant, 'community', 'normal', 'Quay House 1.01', 'quay house 1.01', %s, %s, 100, 100, "
            "0, 0, 'no_rule', 0, 0 "
            "FROM communities_entitlement e WHERE e.site_id = %s AND e.variant <> '' AND e.expires_at IS NULL AND e.id BETWEEN %s AND %s",
            [order_id, timezone.now(), timezone.now(), site.pk, first, last],
        )
        cursor.execute(
            "UPDATE communities_entitlement SET reserved_by = 1 "
            "WHERE site_id = %s AND variant <> '' AND expires_at IS NULL AND id BETWEEN %s AND %s",
            [site.pk, first, last],
        )
    return 0


def _settle_plainly(order: Order, now: datetime) -> int:
    """Insert periods from the lines and extend the items, in two statements without any check."""
    with undone(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO subscriptions_serviceperiod (entitlement_id, line_id, variant, is_upgrade, starts_at, ends_at, is_revoked) "
            "SELECT entitlement_id, id, variant, false, starts_at, ends_at, false FROM subscriptions_orderline WHERE order_id = %s",
            [order.pk],
        )
        cursor.execute(
            "UPDATE communities_entitlement SET expires_at = %s, works_until = %s, paid_variant = variant, reserved_by = NULL WHERE id IN "
            "(SELECT entitlement_id FROM subscriptions_orderline WHERE order_id = %s)",
            [now, now, order.pk],
        )
    return 0


def of_webhooks(payment: Payment, *, rounds: int) -> Iterator[Result]:
    """A message that is accepted, one that is known already, one that is forged."""
    ring, ring_plainly = stranger(), stranger(floor.BARE)
    serial = itertools.count(1)
    bodies = {"known": pattern.message(payment, event_id="evt_bench_known")}

    def send(client: Client, path: str, body: bytes, *, forged: bool = False) -> int:
        signature = pattern.signed(body, timezone.now())
        header = signature[:-4] + ("0000" if not signature.endswith("0000") else "1111") if forged else signature
        client.post(path, body, content_type="application/json", secure=True, headers={"Stripe-Signature": header})
        return 0

    def fresh(client: Client, path: str) -> int:
        with undone():
            return send(client, path, pattern.message(payment, event_id=f"evt_bench_{next(serial)}"))

    ours, under = in_turn(
        lambda: fresh(ring, "/webhooks/stripe/"), lambda: fresh(ring_plainly, "/webhook/"), rounds=3 * rounds
    )
    yield Result("webhook", "message accepted", Goal(ratio=round(1 / 0.6, 2)), ours, under)
    with undone():
        send(ring, "/webhooks/stripe/", bodies["known"])
        ours, under = in_turn(
            lambda: send(ring, "/webhooks/stripe/", bodies["known"]),
            lambda: fresh(ring_plainly, "/webhook/"),
            rounds=3 * rounds,
        )
        yield Result("webhook", "message known already", Goal(statements=2), ours, under)
    ours, under = in_turn(
        lambda: send(ring, "/webhooks/stripe/", bodies["known"], forged=True),
        lambda: send(ring_plainly, "/webhook/", bodies["known"], forged=True),
        rounds=3 * rounds,
    )
    yield Result("webhook", "message forged", Goal(statements=0), ours, under)
