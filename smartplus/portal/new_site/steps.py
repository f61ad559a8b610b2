"""What each step of Add Community Site sends, and when one may go on from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from communities import drafts
from communities.models import SiteDraft, Step
from smartplus.portal.kit.monitor_grid import placed, sent_rows
from smartplus.portal.kit.structure_forms import changed, typed_rows
from smartplus.portal.new_site.forms import BASICS, SERVICES, typed_of
from smartplus.portal.new_site.plans import Plan

ORDER = tuple(Step)
Parts = dict[str, Any]
_USE = re.compile(r"(r?[0-9]{1,2}):([0-9A-Fa-f:]{12,17})")


def parts_of(sent: QueryDict, plan: Plan, step: Step) -> Parts:
    """The part of the draft that a step sent, as it was typed, after its small buttons."""
    if step is Step.BASICS:
        return {"basics": typed_of(sent.dict(), BASICS)}
    if step is Step.STRUCTURE:
        return {"buildings": changed(typed_rows(sent, plan.buildings), sent.get("do", ""))}
    if step is Step.SERVICES:
        return {"services": typed_of(sent.dict(), (*SERVICES, "planned_managers"))}
    if step is Step.DEVICES:
        return {"devices": _devices(sent, plan)}
    return {}


def _devices(sent: QueryDict, plan: Plan) -> Parts:
    spots = plan.spots()
    rows = sent_rows(sent, [spot.key for spot in spots])
    if taken := _USE.fullmatch(sent.get("use", "")):
        at = int(taken[1].removeprefix("r"))
        keys = sent.getlist("row")
        if at < len(keys) and (row := rows.get(keys[at])) is not None:
            rows[keys[at]] = {**row, "mac": taken[2]}
    merged = {**plan.rows, **rows}
    if sent.get("do") == "place":
        lines = placed(sent.get("pasted", "")[:500_000], spots, lambda key: bool((merged.get(key) or {}).get("mac")))
        rows |= {key: {**(merged.get(key) or {}), **monitor} for key, monitor in lines.items()}
    return {
        "rows": rows, "default_name": sent.get("default_name", "")[:200], "may_wait": "may_wait" in sent,
    }  # fmt: skip


def after(draft: SiteDraft, parts: Mapping[str, Any]) -> Plan:
    """The plan with these parts, not saved."""
    return Plan(SiteDraft(**{**_columns(draft), "data": drafts.merged(draft.data, parts)}), shows_errors=True)


def _columns(draft: SiteDraft) -> dict[str, Any]:
    return {field.attname: getattr(draft, field.attname) for field in draft._meta.concrete_fields}


def is_ready(plan: Plan, step: Step) -> bool:
    """Whether one may go on from a step. Monitors are looked at where they are checked: at the review."""
    if step is Step.BASICS:
        return plan.has_basics
    if step is Step.STRUCTURE:
        return plan.structure.is_valid
    if step is Step.SERVICES:
        return plan.services.is_valid()
    return True


def neighbour(step: Step, by: int) -> Step:
    """The step before or after another."""
    return ORDER[min(max(ORDER.index(step) + by, 0), len(ORDER) - 1)]


FIRST: Mapping[Step, Promise] = {  # what the steps say before anything was typed
    Step.BASICS: gettext_lazy("Name and address"),
    Step.STRUCTURE: gettext_lazy("Buildings and apartments"),
    Step.SERVICES: gettext_lazy("What is switched on"),
    Step.DEVICES: gettext_lazy("Monitors and residents"),
    Step.REVIEW: gettext_lazy("Nothing is created before"),
}


class Stop(NamedTuple):
    """A step at the left: where it leads, what stands there so far."""

    step: Step
    number: int
    label: str
    url: str
    said: str
    is_here: bool
    is_done: bool


def stops(plan: Plan, here: Step) -> list[Stop]:
    """The five steps."""
    found = []
    for number, step in enumerate(ORDER, start=1):
        said, is_done = _said(plan, step)
        url = reverse(f"draft-{step}", args=[plan.draft.pk]) if plan.draft.pk else ""
        found.append(Stop(step, number, str(step.label), url, said, step is here, is_done and step is not here))
    return found


def _said(plan: Plan, step: Step) -> tuple[str, bool]:
    n = len(plan.flats)
    if not plan.draft.pk:
        return str(FIRST[step]), False
    if step is Step.BASICS:
        place = ", ".join(filter(None, (plan.draft.name, str(plan.typed["basics"].get("city", "")))))
        return place or str(FIRST[step]), plan.basics.is_valid()
    if step is Step.STRUCTURE:
        return apartments(n), bool(n) and plan.structure.is_valid
    if step is Step.SERVICES:
        on = sum(plan.switches.values())
        words = ngettext("%(n)s service is on", "%(n)s services are on", on) % {"n": on}
        return (words, True) if plan.typed["services"] else (_("Only the default so far"), False)
    if step is Step.DEVICES:
        needed, there = len(plan.requiring), len(plan.monitors)
        left = max(needed - len(plan.requiring & set(plan.monitors)), 0)
        if not left:
            words = ngettext("%(n)s monitor", "%(n)s monitors", there) % {"n": there}
            return words, bool(there)
        if plan.may_wait:
            return ngettext("%(n)s waits for its monitor", "%(n)s wait for their monitors", left) % {"n": left}, True
        return ngettext("%(n)s monitor to enter", "%(n)s monitors to enter", left) % {"n": left}, False
    return str(FIRST[step]), False


def apartments(n: int) -> str:
    """A number of apartments in words."""
    return ngettext("%(n)s apartment", "%(n)s apartments", n) % {"n": n}


def page_asked(query: Mapping[str, str], plan: Plan) -> int:
    """The page of the grid that an address asks for."""
    typed = query.get("page", "1")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 5 else 1
    return min(max(number, 1), plan.pages)
