"""Publishing price lists and reading the one in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Kind, Organization
from accounts.scope import Actor, Role
from accounts.typed import text
from payments import money
from subscriptions import audit_sentences
from subscriptions.models import Price, PriceList
from subscriptions.prices import PriceKey, price_keys

PRICES_PUBLISHED = audit.Word(
    "price_list.published",
    gettext_lazy("Price list published"),
    gettext_lazy("%(what)s published"),
    area=audit.Area.PRICES,
    saves=True,
    effect=audit_sentences.how_many_prices,
)


@transaction.atomic
def publish_price_list(
    actor: Actor,
    *,
    currency: str,
    amounts: Mapping[PriceKey, int],
    valid_from: datetime,
    now: datetime,
    distributor_id: int | None = None,
    note: str = "",
    includes_tax: bool = False,
    is_invented: bool = False,
    newest_id: int | None = None,
) -> PriceList:
    """Publish a new version: minor units per 30 days, net or with `includes_tax` gross. Operator only; never in the past.

    A list may leave prices out: what falls back to no other price is refused when it is quoted, and named. `newest_id` is the newest list there was
    when this one was begun: where the same tree and currency got another since, it raises Conflict.
    """
    if actor.role not in {Role.OPERATOR, Role.SYSTEM}:
        raise NotPermitted
    if valid_from < now and actor.role is not Role.SYSTEM:
        raise Refused(_("A price list can't be valid from a moment that is past."), field="valid_from")
    if unknown := set(amounts).difference(price_keys()):
        raise Refused(_("Unknown prices: %(names)s.") % {"names": ", ".join("/".join(key) for key in sorted(unknown))})
    if not money.is_currency(currency):
        raise Refused(_("%(code)s is no currency.") % {"code": currency}, field="currency")
    if includes_tax and currency == money.CREDITS:
        raise Refused(_("Credits are taxed when they are bought: a list in credits has no tax."), field="includes_tax")
    if not amounts:
        raise Refused(_("The list names no price at all."))
    if any(amount < 0 for amount in amounts.values()):
        raise Refused(_("A price can't be negative."))
    distributor = None
    if distributor_id is not None:
        distributor = (
            Organization.objects.filter(kind=Kind.DISTRIBUTOR).select_for_update(no_key=True).get(pk=distributor_id)
        )
        if currency not in {distributor.currency, money.CREDITS}:
            raise Refused(
                _("%(name)s is billed in %(currency)s.") % {"name": distributor, "currency": distributor.currency},
                field="currency",
            )
    siblings = PriceList.objects.filter(distributor=distributor, currency=currency)
    latest = siblings.order_by("-number").first()
    if newest_id is not None and latest is not None and latest.pk > newest_id:
        raise Conflict
    price_list = PriceList.objects.create(
        distributor=distributor,
        currency=currency,
        number=(siblings.aggregate(last=Max("number"))["last"] or 0) + 1,
        valid_from=valid_from,
        note=text.line(note),
        includes_tax=includes_tax,
        is_invented=is_invented,
        created_by_id=actor.user_id,
        created_at=now,
    )
    Price.objects.bulk_create(
        Price(price_list=price_list, **key._asdict(), amount_minor=amount) for key, amount in sorted(amounts.items())
    )
    operator = distributor or Organization.objects.get(kind=Kind.OPERATOR)
    audit.record(
        actor,
        PRICES_PUBLISHED,
        price_list,
        now=now,
        tenant=operator,
        before=_as_json(latest),
        after=_as_json(price_list) | {"valid_from": valid_from.isoformat()},
    )
    return price_list


def _as_json(price_list: PriceList | None) -> dict[str, object]:
    if price_list is None:
        return {}
    amounts: dict[str, object] = {"/".join(price.key): price.amount_minor for price in price_list.prices.all()}
    return amounts | {"includes_tax": price_list.includes_tax}
