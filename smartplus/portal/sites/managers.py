"""Who looks after a site: its property managers and technicians."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.scope import Role
from communities.actions import assignments
from communities.models import Site
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.sites.people_forms import PeopleForm
from smartplus.portal.sites.site_context import site_context, visible_site


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
def site_managers(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Plain tick boxes (DOMAIN §1): who is ticked works on the site, who is not loses it at once (R3). With `find` the form comes back with
    those who were searched for, and nothing is saved."""
    return edits.edit(
        request,
        "sites/managers.html",
        edits.Edit(
            row=lambda: visible_site(request, site_id),
            form=lambda site, sent: _form(request, site, sent),
            asks=lambda form: form if form.is_searching else None,
            act=lambda form: assignments.set_people(
                request.actor,
                site_id=site_id,
                version=edits.version_of(form),
                pm_app_by_membership=form.pm_app_by_membership,
                technician_ids=form.technician_ids,
                now=request.now,
            ),
            fresh=lambda site: _form(request, site, sent_before=request.POST),
            context=lambda site, _form: site_context(request, site, "managers"),
            said=lambda saved, _form: _("The people of %(site)s are saved.") % {"site": saved.name},
            to=lambda saved: reverse("site-managers", args=[saved.pk]),
        ),
    )


def _form(
    request: access.PortalRequest, site: Site, data: QueryDict | None = None, *, sent_before: QueryDict | None = None
) -> PeopleForm:
    return PeopleForm(data, actor=request.actor, site=site, now=request.now, query=request.GET, sent_before=sent_before)
