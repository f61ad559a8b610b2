"""What is wrong with a draft, in words, with the place where it is mended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor
from communities.actions.buildings import Place
from communities.models import Step
from devices.actions.many import check_many
from smartplus.portal.kit.monitor_grid import ROWS, MonitorGrid, mac_said
from smartplus.portal.new_site.plans import Plan

SHOWN = 20  # problems of a kind that are listed; the others are counted


class Problem(NamedTuple):
    """Something that stands against creating the site: at what, what, and where it is mended."""

    at: str
    text: str
    url: str


class ReviewForm(forms.Form):
    """The version of the draft that was reviewed."""

    version = forms.IntegerField(widget=forms.HiddenInput)


def checked_grid(actor: Actor, plan: Plan, page: int) -> MonitorGrid:
    """A page of the grid with its refusals, and what each typed MAC says; four statements."""
    grid = plan.grid(page)
    shown = plan.flats[(page - 1) * ROWS : page * ROWS]
    labels = {flat.place: plan.label(flat) for flat in plan.flats}
    found = check_many(actor, site=plan.site, entries=plan.monitors, labels=labels)
    people = plan.people_errors()
    for at, flat in enumerate(shown):
        checked, error = found.found.get(flat.place), found.errors.get(flat.place)
        if checked or error:
            grid.said[flat.key] = mac_said(f"id_r{at}-mac", plan.monitors[flat.place].mac, checked, error)
        if wrong := error or people.get(flat.place):
            grid.refuse({flat.key: wrong})
    return grid


def problems_at(actor: Actor, plan: Plan) -> list[Problem]:
    """Everything that stands against creating the site, step by step."""
    return [*_of_basics(plan), *_of_structure(plan), *_of_services(plan), *_of_devices(actor, plan)]


def _url(plan: Plan, step: Step, anchor: str = "", page: int = 0) -> str:
    url = reverse(f"draft-{step}", args=[plan.draft.pk])
    return f"{url}?{f'page={page}&' if page else ''}problems=1{f'#{anchor}' if anchor else ''}"


def _of_basics(plan: Plan) -> Iterator[Problem]:
    if plan.has_basics:
        return
    for name, texts in plan.basics.errors.items():
        bound = plan.basics[name]
        yield Problem(str(bound.label), str(texts[0]), _url(plan, Step.BASICS, str(bound.id_for_label)))


def _of_services(plan: Plan) -> Iterator[Problem]:
    for name, texts in plan.services.errors.items():
        yield Problem(str(plan.services[name].label), str(texts[0]), _url(plan, Step.SERVICES, name))


def _of_structure(plan: Plan) -> Iterator[Problem]:
    for building in plan.structure.buildings:
        name = str(building.typed.get("name") or _("Building without a name"))
        faults = [text for field, texts in building.errors.items() for text in texts if field != "__all__"]
        faults += [fault.text for fault in building.faults]
        yield from _some(
            [Problem(name, str(text), _url(plan, Step.STRUCTURE, str(building.prefix))) for text in faults]
        )


def _of_devices(actor: Actor, plan: Plan) -> Iterator[Problem]:
    found = plan.problems(actor)
    by_place = {flat.place: (at, flat) for at, flat in enumerate(plan.flats)}

    def at(place: Place, text: str, field: str = "mac") -> Problem:
        number, flat = by_place[place]
        row = f"id_r{number % ROWS}-{field}"
        return Problem(plan.label(flat), text, _url(plan, Step.DEVICES, row, number // ROWS + 1))

    people = [(place, error) for place, error in found.structure.items() if error.field in {"master", "email"}]
    yield from _some(
        [at((house, flat), str(error), str(error.field)) for (house, flat), error in people if flat is not None]
    )
    yield from _some([at(place, str(error), error.field or "mac") for place, error in sorted(found.monitors.items())])
    if found.too_many is not None:
        yield Problem(_("Structure"), str(found.too_many), _url(plan, Step.STRUCTURE))
    if found.lacking:
        n = len(found.lacking)
        words = ngettext(
            "%(n)s apartment has no indoor monitor: enter its MAC address, or let it wait for it.",
            "%(n)s apartments have no indoor monitor: enter their MAC addresses, or let them wait.",
            n,
        )
        yield at(found.lacking[0], words % {"n": n})


def _some(problems: list[Problem]) -> list[Problem]:
    """The first of them; of the others only how many they are."""
    left = len(problems) - SHOWN
    if left <= 0:
        return problems
    more = ngettext("and %(n)s further problem", "and %(n)s further problems", left) % {"n": left}
    return [*problems[:SHOWN], Problem(problems[SHOWN].at, more, problems[SHOWN].url)]
