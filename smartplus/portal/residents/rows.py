"""Rows of the list of residents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from communities.models import Resident, Stage
from smartplus.portal.kit.contact_tags import phone
from smartplus.portal.kit.day_tags import day
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.status_tags import status

TONES = {Stage.PRESENT: "active", Stage.FUTURE: "pending", Stage.WAITING: "expiring", Stage.ENDED: "inactive"}

NONE = " none"  # the class of a cell that is hidden on a phone


class ResidentCells(NamedTuple):
    """One person: where the name leads, where it lives, how it stands; `no_…` are classes."""

    name: SafeString
    place: SafeString
    contact: SafeString
    status: SafeString
    begins: str
    no_begins: str
    ends: str
    no_ends: str
    do: str


def cells(people: Iterable[Resident], *, may_house: bool, may_accept: bool) -> list[ResidentCells]:
    """The cells of residents with their apartments."""
    marks = {stage.value: status(TONES[stage], str(stage.label)) for stage in Stage}
    master, yes = as_html(' <span class="tg a">{}</span>', _("Family master")), _("Accept")
    found = []
    for one in people:
        is_master = one.is_master or (one.becomes_master and one.stage == Stage.FUTURE)
        name = as_html('<a class="n" href="{}">{}</a>', address("resident-edit", one.pk), one.name)
        found.append(
            ResidentCells(
                name=side_by_side([name if may_house else one.name, master if is_master else ""]),
                place=as_html('<a href="{}">{}</a>', address("apartment-detail", one.apartment_id), one.apartment),
                contact=_contact(one),
                status=marks[one.stage],
                begins=day(one.lease_from),
                no_begins="" if one.lease_from else NONE,
                ends=day(one.lease_until),
                no_ends="" if one.lease_until else NONE,
                do=_accept(one, yes) if may_accept and one.stage == Stage.WAITING else "",
            )
        )
    return found


def _contact(one: Resident) -> SafeString:
    below = as_html('<span class="t12 mute">{}</span>', phone(one.mobile)) if one.email else phone(one.mobile)
    return side_by_side([one.email, below if one.mobile else ""])


def _accept(one: Resident, word: str) -> SafeString:
    """The button; its form is below the list, once."""
    return as_html(
        '<button class="b s" form="accept" formaction="{}" data-what="{}">{}<span class="vh"> {}</span></button>',
        address("resident-accept", one.pk), one.name, word, one.name,
    )  # fmt: skip
