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


EDITS: Mapping[str, str] = {  # where its facts and services are changed, by its project type
    Kind.COMMUNITY: "site-edit",
    Kind.HOUSE: "house-edit",
    Kind.COMMERCIAL: "commercial-edit",
}
HOMES: Mapping[str, str] = {  # where a site opens
    Kind.COMMUNITY: "site-detail",
    Kind.HOUSE: "house-site",
    Kind.COMMERCIAL: "commercial-site",
}
TABS = (
    Tab("apartments", gettext_lazy("Apartments"), "site-detail", number="units.units", kinds={Kind.COMMUNITY}),
    Tab("house", gettext_lazy("House"), "house-site", kinds={Kind.HOUSE}),
    Tab("doors", gettext_lazy("Doors and people"), "commercial-site", kinds={Kind.COMMERCIAL}),
    Tab("residents", gettext_lazy("Residents"), "site-residents", kinds={Kind.COMMUNITY, Kind.HOUSE}),
    Tab("equipment", gettext_lazy("Equipment"), "equipment-list", number="n_pieces"),
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
    return HOMES[site.kind]


def edit_of(site: Site) -> str:
    """The address of the form with facts and services of a site."""
    return reverse(EDITS[site.kind], args=[site.pk])


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
