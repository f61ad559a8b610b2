"""The price beside a form: the unsaved values of the form as the configuration that is priced. Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.forms import BaseForm
from django.urls import reverse

from accounts.models import Organization
from communities import catalogue
from communities.models import Apartment, PriceClass, Site
from smartplus.access import PortalRequest
from subscriptions import price_preview, rights, saved_items, switch_prices
from subscriptions.price_preview import PricePreview
from subscriptions.prices import MissingPrice, PriceTable
from subscriptions.switch_prices import SwitchPrice
from subscriptions.tables import table_for

PLANNED_MANAGERS, MOST_MANAGERS = 1, 99  # of a new community


@dataclass(frozen=True, slots=True)
class FormPreview:
    """The values of templates/price_preview/: the price, or why there is none. `compares`: there are saved values to compare with."""

    template: str
    url: str  # the address of the fragment
    form: str  # the id of the form
    facts: dict[str, Any]
    price: PricePreview | None = None
    refused: MissingPrice | None = None
    compares: bool = False
    currency: str = ""
    switch_prices: Mapping[str, SwitchPrice] = field(default_factory=dict)


def for_site(request: PortalRequest, form: BaseForm, site: Site) -> FormPreview | None:
    """The price of a site with the switches of the form."""
    if not rights.sees_prices(request.actor):
        return None
    census = saved_items.census_of(site)
    draft = census.under(_switches(form), retention_days=_retention(form))
    preview = FormPreview(
        "price_preview/_site.html",
        reverse("site-price-preview", args=[site.pk]),
        "site-form",
        {"site": site},
        compares=True,
    )
    price_of = _price_of(request, draft, census, site.time_zone)
    return priced(
        preview,
        request,
        site.distributor,
        price_of,
        retention_days=_retention(form),
        project=site.kind,
        price_class=site.price_class,
    )


def _price_of(
    request: PortalRequest, draft: catalogue.Configuration, census: saved_items.Census, zone: str
) -> Callable[[PriceTable], PricePreview]:
    def price(prices: PriceTable) -> PricePreview:
        return price_preview.preview_of(draft, census.saved, prices, as_of=request.now, zone=zone, counts=census.counts)

    return price


def for_apartment(
    request: PortalRequest, form: BaseForm, site: Site, apartment: Apartment | None = None
) -> FormPreview | None:
    """The price of one apartment with the switches of the form; it is priced as with its family master, whether new or not."""
    if not rights.sees_prices(request.actor):
        return None
    saved = saved_items.saved_of(site, apartment=apartment) if apartment else []
    has_master = not apartment or any(row.variant for row in saved if catalogue.BY_TYPE[row.service_type].needs_master)
    if apartment:
        saved = saved_items.as_occupied(
            saved, catalogue.ApartmentConfiguration(apartment.target_id, **apartment.switches)
        )
    switches = {code: bool(form[code].value()) for code in catalogue.APARTMENT_SWITCHES}
    key = apartment.target_id if apartment else "new"
    one = catalogue.ApartmentConfiguration(key=key, has_master=has_master, **switches)
    draft = catalogue.Configuration(
        site.switches,
        site.retention_days,
        apartments=(one,),
        site=site.pk,
        project=site.kind,
        price_class=site.price_class,
    )
    facts: dict[str, Any] = {"site": site, "apartment": apartment, "number": str(form["number"].value() or "")[:16]}
    url = (
        reverse("apartment-price-preview", args=[apartment.pk])
        if apartment
        else reverse("apartment-price-preview-new", args=[site.pk])
    )
    preview = FormPreview("price_preview/_apartment.html", url, "apartment-form", facts, compares=apartment is not None)

    def price(prices: PriceTable) -> PricePreview:
        found = price_preview.preview_of(draft, saved, prices, as_of=request.now, zone=site.time_zone)
        facts["site_then_minor"] = (
            price_preview.site_total_minor(site, prices, as_of=request.now) + found.difference_minor
        )
        return found

    return priced(preview, request, site.distributor, price, project=site.kind, price_class=site.price_class)


def is_asking(request: PortalRequest) -> bool:
    """Whether the button "Show the price" was pressed, for browsers without script: nothing is saved."""
    return request.method == "POST" and "show-price" in request.POST


def priced(
    preview: FormPreview,
    request: PortalRequest,
    distributor: Organization | None,
    price_of: Callable[[PriceTable], PricePreview],
    *,
    project: str,
    price_class: str = PriceClass.NORMAL,
    retention_days: int = 0,
) -> FormPreview:
    """The preview with its price, and with `retention_days` also the price of each service. A missing price is reported in place of the
    price and does not break the form."""
    assert distributor is not None  # every site and installer belongs to a distributor
    try:
        prices = table_for(distributor, at=request.now, with_former=True)
        if retention_days:
            found = switch_prices.switch_prices(
                prices, retention_days=retention_days, project=project, price_class=price_class
            )
            preview = replace(preview, currency=prices.currency, switch_prices=found)
        return replace(preview, price=price_of(prices))
    except MissingPrice as refused:
        return replace(preview, refused=refused)


def _switches(form: BaseForm) -> dict[str, bool]:
    return {code: bool(form[code].value()) for code in catalogue.SWITCHES}


def _retention(form: BaseForm) -> int:
    typed = str(form["retention_days"].value())
    return int(typed) if typed in map(str, catalogue.RETENTION_DAYS) else catalogue.DEFAULT_RETENTION_DAYS
