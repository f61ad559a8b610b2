"""The dashboard of each role."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.scope import Role
from smartplus import access
from smartplus.portal.dashboard.installer import of_installer
from smartplus.portal.dashboard.manager import of_manager
from smartplus.portal.dashboard.operator import of_operator
from smartplus.portal.dashboard.reseller import of_reseller

PAGES = {
    Role.OPERATOR: ("dashboard/operator.html", of_operator),
    Role.DISTRIBUTOR: ("dashboard/reseller.html", of_reseller),
    Role.SUBDISTRIBUTOR: ("dashboard/reseller.html", of_reseller),
    Role.INSTALLER: ("dashboard/installer.html", of_installer),
    Role.MANAGER: ("dashboard/manager.html", of_manager),
}


@access.roles(*PAGES)
@require_safe
def dashboard(request: access.PortalRequest) -> HttpResponse:
    """What needs an action today, and the state of everything."""
    template, context_of = PAGES[request.actor.role]
    return render(request, template, context_of(request))
