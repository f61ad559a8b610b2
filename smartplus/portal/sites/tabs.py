"""The tabs of a site, in their order: a line for each part of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from communities.models import Kind, Site

EVERY = frozenset(Kind)


class Tab(NamedTuple):
    """A part of a site. Its pages name it in `site_context`; `route` is the address of the first of them.

    `number` and `needs` are names of the page's context: a count, and what the reader has to be allowed. `kinds` are the project types that
    have it.
    """

    name: str
    label: Promise
    route: str
    number: str = ""
    needs: str = ""
    kinds: Collection[Kind] = EVERY


HOMES: Mapping[str, str] = {Kind.COMMUNITY: "site-detail"}  # where a site opens, by its project type
TABS = (
    Tab("apartments", gettext_lazy("Apartments"), "site-detail", number="units.units", kinds={Kind.COMMUNITY}),
    Tab("residents", gettext_lazy("Residents"), "site-residents", kinds={Kind.COMMUNITY, Kind.HOUSE}),
    Tab("managers", gettext_lazy("Managers"), "site-managers", number="n_managers", needs="may_choose"),
    Tab("billing", gettext_lazy("Billing"), "site-billing", needs="sees_prices"),
    Tab("differences", gettext_lazy("Differences"), "site-differences", number="n_differences"),
    Tab("overview", gettext_lazy("Facts and changes"), "site-facts"),
)


class Shown(NamedTuple):
    """A tab on a page; `number` is "" where nothing is counted."""

    label: Promise
    url: str
    number: object
    is_here: bool


def home_of(site: Site) -> str:
    """The route on which a site opens."""
    return HOMES.get(site.kind, "site-facts")


def tabs_of(site: Site, here: str, context: Mapping[str, Any]) -> list[Shown]:
    """The tabs that the reader of a page has; `here` is the one that the page belongs to."""
    return [
        Shown(
            tab.label,
            reverse(tab.route, args=[site.pk]),
            _value(context, tab.number) if tab.number else "",
            tab.name == here,
        )
        for tab in TABS
        if site.kind in tab.kinds and (not tab.needs or context.get(tab.needs))
    ]


def _value(context: Mapping[str, Any], path: str) -> object:
    name, _dot, part = path.partition(".")
    value: object = context.get(name, "")
    return getattr(value, part) if part else value
