"""The names and addresses of the items in the list of failures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ItemFailure, LongJob, Notice, Organization
from accounts.scope import Actor
from communities.models import Site
from payments.actions import keys
from payments.models import GatewayEvent, Payment, PaymentMethod, Purpose
from smartplus.jobs import JOBS
from subscriptions.models import AutoRenewal, Order

Named = tuple[str, str]  # name of an item, and its address ("" for none)
Names = dict[int, Named]


@dataclass(frozen=True, slots=True)
class Row:
    """A failure in the list."""

    failure: ItemFailure
    label: Promise | str  # label of the job
    name: str
    url: str
    tone: str
    state: Promise


def rows(actor: Actor, failures: Iterable[ItemFailure]) -> list[Row]:
    """The failures with the names of their items: one statement for each kind of item."""
    failures = list(failures)
    ids: dict[str, list[int]] = defaultdict(list)
    for failure in failures:
        ids[failure.job].append(failure.item_id)
    names = {job: NAMES[job](actor, found) for job, found in ids.items() if job in NAMES}
    return [_row(failure, names.get(failure.job, {}).get(failure.item_id)) for failure in failures]


def _row(failure: ItemFailure, named: Named | None) -> Row:
    job = JOBS.get(failure.job)
    if failure.item_id == 0:
        named = (_("The whole job"), "")
    name, url = named or (_("Number %(n)s") % {"n": failure.item_id}, "")
    if failure.is_given_up:
        tone, state = "lapsed", gettext_lazy("Given up")
    elif failure.is_expected:
        tone, state = "pending", gettext_lazy("Waits for an answer")
    else:
        tone, state = "expiring", gettext_lazy("Tried again")
    return Row(failure, job.label if job else failure.job, name, url, tone, state)


def _sites(actor: Actor, ids: list[int]) -> Names:
    found = Site.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "name")
    return {pk: (name, reverse("site-detail", args=[pk])) for pk, name in found}


def _events(actor: Actor, ids: list[int]) -> Names:
    found = GatewayEvent.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "kind")
    return {pk: (kind, reverse("webhook-detail", args=[pk])) for pk, kind in found}


def _payments(actor: Actor, ids: list[int]) -> Names:
    found = Payment.objects.visible_to(actor).filter(pk__in=ids).only("pk", "purpose", "subject")
    return {payment.pk: _named_payment(payment) for payment in found}


def _orders(actor: Actor, ids: list[int]) -> Names:
    found = Order.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "number")
    return {pk: (number, reverse("order-detail", args=[number])) for pk, number in found}


def _named_payment(payment: Payment) -> Named:
    is_order = payment.purpose == Purpose.ORDER
    return payment.reference, reverse("order-detail", args=[payment.subject]) if is_order else ""


def _auto_renewals(actor: Actor, ids: list[int]) -> Names:
    found = AutoRenewal.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "payer__name", "order__number")
    return {
        pk: (_("Auto-renewal %(n)s of %(payer)s") % {"n": pk, "payer": payer}, reverse("order-detail", args=[number]))
        for pk, payer, number in found
    }


def _mail(actor: Actor, ids: list[int]) -> Names:
    found = Notice.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "email")
    return {pk: (email, reverse("settings-notifications")) for pk, email in found}


def _long_jobs(actor: Actor, ids: list[int]) -> Names:
    found = LongJob.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "subject")
    return {pk: (subject, reverse("job-detail", args=[pk])) for pk, subject in found}


def _cards(actor: Actor, ids: list[int]) -> Names:
    found = PaymentMethod.objects.visible_to(actor).filter(pk__in=ids).select_related("owner")
    return {method.pk: (f"{method} · {method.owner}", "") for method in found}


def _firms(actor: Actor, ids: list[int]) -> Names:
    found = Organization.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "name")
    return {pk: (name, reverse("audit-list")) for pk, name in found}


def _gateways(actor: Actor, ids: list[int]) -> Names:
    return {number: (keys.label_of(number), "") for number in ids}


NAMES: dict[str, Callable[[Actor, list[int]], Names]] = {
    "audit_seals": _firms,
    "mail": _mail,
    "leases": _sites,
    "vacancies": _auto_renewals,
    "gateway_events": _events,
    "long_jobs": _long_jobs,
    "renewals": _auto_renewals,
    "stale_payments": _payments,
    "unreported_charges": _payments,
    "revoked_orders": _orders,
    "order_timeouts": _orders,
    "removed_cards": _cards,
    "gateway_keys": _gateways,
}
