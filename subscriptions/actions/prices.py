"""Publishing price lists and reading the one in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
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
    """Publish a new version: minor units per 30 days, net, or gross with `includes_tax`. Operator only; never in the past.

    A list may leave prices out. A price that is needed, and has no fallback, is refused at the quote by name. `newest_id` is the newest
    list when the form was opened: Conflict where the same tree and currency got another one since.
    """
    if actor.role not in {Role.OPERATOR, Role.SYSTEM}:
        raise NotPermitted
    if valid_from < now and actor.role is not Role.SYSTEM:
        raise Refused(_("A price list can't be valid from a moment that is past."), field="valid_from")
    _refuse_wrong(currency, amounts, includes_tax=includes_tax)
    distributor = None if distributor_id is None else _locked_distributor(distributor_id, currency)
    latest = _latest(distributor, currency, newest_id)
    price_list = PriceList.objects.create(
        distributor=distributor,
        currency=currency,
        number=latest.number + 1 if latest else 1,
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
    whose = distributor or Organization.objects.get(kind=Kind.OPERATOR)
    after = _as_json(price_list) | {"valid_from": valid_from.isoformat()}
    audit.record(actor, PRICES_PUBLISHED, price_list, now=now, tenant=whose, before=_as_json(latest), after=after)
    return price_list


def _refuse_wrong(currency: str, amounts: Mapping[PriceKey, int], *, includes_tax: bool) -> None:
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


def _latest(distributor: Organization | None, currency: str, newest_id: int | None) -> PriceList | None:
    """The last version of a tree and currency. Conflict where it is newer than `newest_id`."""
    latest = PriceList.objects.filter(distributor=distributor, currency=currency).order_by("-number").first()
    if newest_id is not None and latest is not None and latest.pk > newest_id:
        raise Conflict
    return latest


def _locked_distributor(distributor_id: int, currency: str) -> Organization:
    """The distributor whose own list it is, locked. Refuses another currency than that of its tree."""
    distributor = (
        Organization.objects.filter(kind=Kind.DISTRIBUTOR).select_for_update(no_key=True).get(pk=distributor_id)
    )
    if currency not in {distributor.currency, money.CREDITS}:
        raise Refused(
            _("%(name)s is billed in %(currency)s.") % {"name": distributor, "currency": distributor.currency},
            field="currency",
        )
    return distributor


def _as_json(price_list: PriceList | None) -> dict[str, object]:
    if price_list is None:
        return {}
    amounts: dict[str, object] = {"/".join(price.key): price.amount_minor for price in price_list.prices.all()}
    return amounts | {"includes_tax": price_list.includes_tax}
