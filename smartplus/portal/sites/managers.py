"""Who looks after a site: its property managers and technicians."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import Conflict
from accounts.scope import Role
from communities.actions import assignments
from communities.models import Site
from smartplus import access
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import answer, conflict, posted, submitted
from smartplus.portal.sites.people_forms import PeopleForm
from smartplus.portal.sites.site_context import site_context, visible_site


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
def site_managers(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Plain tick boxes (DOMAIN §1): who is ticked works on the site, who is not loses it at once (R3). With `find` the form comes back with
    those who were searched for, and nothing is saved."""
    site = visible_site(request, site_id)
    form = _form(request, site, posted(request))
    if form.is_searching:
        return answer(request, "sites/managers.html", form, site_context(request, site, "managers"))
    try:
        saved = submitted(form, lambda: _choose(request, site_id, form))
    except Conflict:
        site = visible_site(request, site_id)
        fresh = _form(request, site, sent_before=request.POST)
        told = conflicts.clash(request, conflicts.about(site), (form, fresh))
        return conflict(request, "sites/managers.html", fresh, site_context(request, site, "managers"), told)
    if saved is None:
        return answer(request, "sites/managers.html", form, site_context(request, site, "managers"))
    messages.success(request, _("The people of %(site)s are saved.") % {"site": site.name})
    return redirect("site-managers", site_id)


def _form(
    request: access.PortalRequest, site: Site, data: QueryDict | None = None, *, sent_before: QueryDict | None = None
) -> PeopleForm:
    return PeopleForm(data, actor=request.actor, site=site, now=request.now, query=request.GET, sent_before=sent_before)


@transaction.atomic
def _choose(request: access.PortalRequest, site_id: int, form: PeopleForm) -> bool:
    """Both lists or neither, as one change of the site that was shown; the second finds the site locked by the first."""
    assignments.set_managers(
        request.actor,
        site_id=site_id,
        version=form.cleaned_data["version"] or 0,
        pm_app_by_membership=form.pm_app_by_membership,
        now=request.now,
    )
    assignments.set_technicians(request.actor, site_id=site_id, membership_ids=form.technician_ids, now=request.now)
    return True
