"""Adding a commercial site, and changing its facts and services."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.scope import Role
from communities.actions import commercial
from communities.actions.site_rules import payment_mode_of
from communities.models import Kind, PaymentMode, Site
from smartplus import access
from smartplus.portal.commercial.forms import CommercialForm
from smartplus.portal.commercial.queries import SitePrices, service_prices
from smartplus.portal.kit import edits
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.site_context import WORKERS, visible_site


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def commercial_new(request: access.PortalRequest) -> HttpResponse:
    """Add Commercial Site: where it is, and its services; doors and people come next."""
    mode = payment_mode_of(Kind.COMMERCIAL, request.now)
    firm = request.membership.organization
    assert firm.distributor is not None  # every installer belongs to one
    prices = service_prices(request, firm.distributor, mode, site_kind=Kind.COMMERCIAL)
    return edits.add(
        request,
        "commercial/form.html",
        form=CommercialForm(posted(request)),
        act=lambda form: commercial.create_commercial(
            request.actor,
            basics=form.basics,
            elevator_control=form.cleaned_data["elevator_control"],
            time_attendance=form.cleaned_data["attendance_plan"],
            now=request.now,
        ),
        context=lambda form: {"area": "sites", **_shown(form, prices, mode)},
        said=lambda saved, _form: _("%(site)s is created. Next: its doors and people.") % {"site": saved.name},
        to=_home,
    )


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def commercial_edit(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Facts and services of a commercial site."""

    def context(site: Site, form: CommercialForm) -> edits.Context:
        mode = PaymentMode(site.payment_mode)
        prices = service_prices(request, site.distributor, mode, site_kind=site.kind)
        return {"area": "sites", "site": site, **_shown(form, prices, mode)}

    return edits.edit(
        request,
        "commercial/form.html",
        edits.Edit(
            row=lambda: _commercial(request, site_id),
            form=lambda site, sent: CommercialForm(sent, site=site),
            act=lambda form: commercial.edit_commercial(
                request.actor,
                site_id=site_id,
                version=edits.version_of(form),
                basics=form.basics,
                elevator_control=form.cleaned_data["elevator_control"],
                time_attendance=form.cleaned_data["attendance_plan"],
                now=request.now,
            ),
            context=context,
            said=lambda saved, _form: _("%(site)s is saved. Prices follow at the next order.") % {"site": saved.name},
            to=_home,
        ),
    )


def _shown(form: CommercialForm, prices: SitePrices | None, mode: PaymentMode) -> dict[str, object]:
    """The services with their prices, and how the site is paid."""
    return {
        "services": form.services(prices),
        "currency": prices.currency if prices else "",
        "pays_credits": mode is PaymentMode.CREDITS,
    }


def _commercial(request: access.PortalRequest, site_id: int) -> Site:
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMERCIAL:
        raise Http404
    return site


def _home(site: Site) -> str:
    return reverse("commercial-site", args=[site.pk])
