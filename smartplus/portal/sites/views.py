"""Sites: the overview, basics and services."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.scope import Role
from communities import reports
from communities.actions import sites
from communities.models import Site
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.sites.forms import FreeMembersForm, SiteForm
from smartplus.portal.sites.site_context import READERS, WORKERS, overview, site_context, units_in, visible_site
from smartplus.portal.sites.tabs import edit_of


@access.roles(*READERS)
@require_safe
def site_facts(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The facts of a site, what is to do there, and its last changes."""
    return render(request, "sites/detail.html", overview(request, visible_site(request, site_id)))


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def site_edit(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Basics and services of a community; the PM App is locked while one is active (R11). Other project types have forms of their own."""
    other = edit_of(visible_site(request, site_id))
    if other != request.path:
        return redirect(other)
    return edits.edit(
        request,
        "sites/form.html",
        edits.Edit(
            row=lambda: visible_site(request, site_id),
            form=lambda site, sent: SiteForm(sent, site=site, now=request.now),
            asks=lambda form: form.as_typed() if price_preview.is_asking(request) else None,
            act=lambda form: _save(request, site_id, form),
            context=lambda site, form: {
                "site": site,
                "area": "sites",
                "preview": price_preview.for_site(request, form, site),
            },
            said=lambda saved, _form: _("%(site)s is saved. Prices follow at the next order.") % {"site": saved.name},
            to=lambda saved: reverse("site-detail", args=[saved.pk]),
        ),
    )


def _save(request: access.PortalRequest, site_id: int, form: SiteForm) -> Site:
    return sites.edit_site(
        request.actor,
        site_id=site_id,
        version=edits.version_of(form),
        basics=form.basics,
        free_members=None,
        switches=form.switches,
        options=form.options,
        ceiling_confirmed=form.cleaned_data["ceiling_confirmed"],
        now=request.now,
    )


@access.roles(Role.DISTRIBUTOR)
@require_http_methods(["GET", "HEAD", "POST"])
def site_free_members(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The number of free family members, which only the distributor changes later."""
    return edits.edit(
        request,
        "sites/free_members.html",
        edits.Edit(
            row=lambda: visible_site(request, site_id),
            form=lambda site, sent: FreeMembersForm(
                sent, initial={"free_members": site.free_members, "version": site.version}, label_suffix=""
            ),
            act=lambda form: sites.edit_site(
                request.actor, site_id=site_id, basics={}, switches={}, options={}, now=request.now, **form.cleaned_data
            ),
            context=lambda site, _form: site_context(request, site, "overview"),
            said=lambda saved, _form: (
                _("Apartments now have %(n)s free family members each.") % {"n": saved.free_members}
            ),
            to=lambda saved: reverse("site-facts", args=[saved.pk]),
        ),
    )


@access.roles(*READERS)
@require_safe
def site_services(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Every service: switched, paid, until."""
    site = visible_site(request, site_id)
    groups, counted = reports.groups_of(site, request.now), reports.apartments_of(site)
    frame = site_context(request, site, "services", progress=reports.progress_at(site, groups), units=units_in(counted))
    context = {**frame, "lines": reports.service_lines(site, groups, counted)}
    return render(request, "sites/services.html", context)
