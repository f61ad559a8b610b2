"""The audit as a list: which rows are asked for, and what each row shows, in few statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit import Area
from accounts.audit.sentences import Names
from accounts.models import AuditEvent, Membership, Organization
from accounts.scope import Actor, Grant, Role
from accounts.typed.finding import matching
from accounts.typed.keys import compact_key
from communities.models import Site
from devices import mac
from devices.reports import MIN_DIGITS
from smartplus import vocabulary
from smartplus.portal.audit import values as audit_values
from smartplus.portal.kit.lists import Listing
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.roles import ROLE_LABELS
from subscriptions import rights

READERS = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
DAYS = ("7", "30", "90")
LATELY, ANY_TIME = "30", "all"
ME, OWN, SYSTEM = "me", "own", "system"  # whose changes; else those of the person with this id


@dataclass(frozen=True, slots=True)
class Row:
    """One change as its row shows it; `url` may be empty, `names` are the names behind ids that the reader may
    see."""

    event: AuditEvent
    kind: str
    what: str
    who: str
    firm: str
    where: str
    url: str
    effect: str
    names: Names


def events(actor: Actor, asked: Listing, *, now: datetime) -> QuerySet[AuditEvent]:
    """The rows asked for, as far as the actor may read. The rows of a batch stand under what was done; where a text is searched for, those
    whose own object it is are found too, and all of them for a file."""
    found, with_batches = AuditEvent.objects.visible_to(actor), bool(asked.file)
    area, days, who = (asked.chosen.get(name, "") for name in ("area", "days", "who"))
    if not asked.text and not with_batches:
        found = found.whole()
    if days != ANY_TIME:
        found = found.filter(at__gte=now - timedelta(days=int(days)))
    if area:
        found = found.filter(vocabulary.in_area(Area(area)))
    if who == ME:
        found = found.filter(user_id=actor.user_id or 0)
    elif who == OWN:
        own = Membership.objects.visible_to(actor).filter(organization_id=actor.organization_id)
        found = found.filter(user_id__in=own.values("user_id"))
    elif who == SYSTEM:
        found = found.filter(actor_role=Role.SYSTEM)
    elif who:
        found = found.filter(user_id=typed_id(who))
    return _searched(found, actor, asked.text, with_batches) if asked.text else found


def _searched(found: QuerySet[AuditEvent], actor: Actor, text: str, with_batches: bool) -> QuerySet[AuditEvent]:
    """Search by person, by subject (the label of an order is its number) and by site; MACs and order numbers also in
    the values. A row of a batch is found if the batch itself is not; with `with_batches` in any case."""
    sites = Site.every.visible_to(actor).filter(matching(text, "search_key")).values("pk")
    wanted = matching(text, "search_key") | Q(site_id__in=sites)
    if inside := _written(text, with_orders=_sees_orders(actor)):
        found = found.annotate(before_text=Cast("before", TextField()), after_text=Cast("after", TextField()))
        wanted |= Q(before_text__contains=inside) | Q(after_text__contains=inside) | matching(inside, "search_key")
    found = found.filter(wanted)
    if with_batches:
        return found
    return found.filter(Q(batch=None) | ~(matching(text, "batch__search_key") | Q(batch__site_id__in=sites)))


def batch_of(actor: Actor, event: AuditEvent) -> QuerySet[AuditEvent]:
    """The rows of a change of many objects, in the order they were written."""
    return AuditEvent.objects.visible_to(actor).filter(batch=event).select_related("organization", "distributor")


def _sees_orders(actor: Actor) -> bool:
    return actor.sees_all or Grant.SEES_INVOICES in actor.grants


def _written(text: str, *, with_orders: bool) -> str:
    """How a MAC (six or more digits, with any separators) or an order number is written in the values; "" for
    anything else. A reader who may not see orders can't search for them: a row that is found would confirm the
    number."""
    digits = mac.read(text).digits
    if len(digits) >= MIN_DIGITS:
        return ":".join(digits.upper()[at : at + 2] for at in range(0, len(digits), 2))
    number = re.fullmatch(r"SP(\d{1,6})(\w*)", compact_key(text).upper())
    if number is None or not with_orders:
        return ""
    return "-".join(["SP", *filter(None, number.groups())])


def rows(actor: Actor, page: Iterable[AuditEvent]) -> list[Row]:
    """Events as rows, in a few statements for all of them: the sites, people and firms behind them, as far as they are visible."""
    page = list(page)
    site_ids = {event.site_id for event in page if event.site_id}
    sites = dict(Site.every.visible_to(actor).filter(pk__in=site_ids).values_list("pk", "name")) if site_ids else {}
    firms = _firms_of(actor, {event.user_id for event in page if event.user_id})
    names = names_in(actor, page)
    return [_row(actor, event, sites, firms, names[event.pk]) for event in page]


def _firms_of(actor: Actor, user_ids: set[int]) -> dict[tuple[int, str], str]:
    """(user, role) → the name of an organization in the actor's view that the user works for in that role."""
    if not user_ids:
        return {}
    people = Membership.objects.visible_to(actor).filter(user_id__in=user_ids).order_by("-pk")
    named = people.values_list("user_id", "is_technician", "organization__kind", "organization__name")
    return {(user_id, Role.TECHNICIAN if is_technician else kind): name for user_id, is_technician, kind, name in named}


def _row(
    actor: Actor,
    event: AuditEvent,
    sites: Mapping[int, str],
    firms: Mapping[tuple[int, str], str],
    names: Names,
) -> Row:
    where, url = _where(event, sites)
    return Row(
        event=event,
        kind=vocabulary.label(event.action),
        what=vocabulary.sentence(event, names),
        who=_("You") if event.user_id == actor.user_id else event.who,
        firm=_firm(event, firms),
        where=where,
        url=url,
        effect=audit_values.effect(event, names),
        names=names,
    )


def _firm(event: AuditEvent, firms: Mapping[tuple[int, str], str]) -> str:
    if event.actor_role == Role.SYSTEM:
        return _("by itself")
    known = firms.get((event.user_id or 0, event.actor_role))
    return known or str(ROLE_LABELS.get(Role(event.actor_role), event.actor_role))


def _where(event: AuditEvent, sites: Mapping[int, str]) -> tuple[str, str]:
    """The place of the change, with a link if the actor still sees it."""
    if event.subject_type == "servicechange":
        return event.subject_label, reverse("change-detail", args=[event.subject_id])
    if event.subject_type == "order":
        return event.subject_label, reverse("order-detail", args=[event.subject_label])
    if event.site_id in sites:
        return sites[event.site_id or 0], reverse("site-detail", args=[event.site_id])
    return str(event.organization), ""


def currency_of(event: AuditEvent) -> str:
    """The currency of amounts in an event that name none: that of its tree; "" if the event belongs to no tree."""
    return event.organization.currency or (event.distributor.currency if event.distributor else "")


def names_in(actor: Actor, page: Iterable[AuditEvent]) -> dict[int, Names]:
    """The names that the actor may see of each change, by its id: those behind ids, in two statements for all
    changes, and whether amounts and orders are shown. Only people who have joined are named: before that, nobody has
    confirmed who it is."""
    page = list(page)
    numbers = [audit_values.ids_in(event) for event in page]
    member_ids, firm_ids = (
        (set[int]().union(*ids) for ids in zip(*numbers, strict=True)) if numbers else (set[int](), set[int]())
    )
    people = Membership.objects.visible_to(actor).filter(pk__in=member_ids, joined_at__isnull=False)
    firms = Organization.objects.visible_to(actor).filter(pk__in=firm_ids)
    known_people = {person.pk: str(person.user) for person in people.select_related("user")} if member_ids else {}
    known_firms = dict(firms.values_list("pk", "name")) if firm_ids else {}
    return {
        event.pk: Names(
            known_people,
            known_firms,
            currency_of(event),
            shows_amounts=rights.sees_amounts(actor, event.organization_id),
            shows_orders=_sees_orders(actor),
        )
        for event in page
    }
