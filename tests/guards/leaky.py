"""The whole house with a few careless pages more: what the walker has to find."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from accounts.scope import Role
from communities.models import Entitlement, Site
from smartplus import access


@access.roles(Role.INSTALLER)
def shows(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Anybody's site."""
    return HttpResponse(Site.objects.get(pk=site_id).name)


@access.roles(Role.INSTALLER)
def tells(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Nobody else's site, but whether there is one."""
    if Site.objects.visible_to(request.actor).filter(pk=site_id).exists():
        return HttpResponse("Yours.")
    return HttpResponse("Not yours." if Site.objects.filter(pk=site_id).exists() else "Not there.", status=404)


@access.roles(Role.INSTALLER)
def takes(request: access.PortalRequest) -> HttpResponse:
    """A bulk list that asks nobody whose the items are."""
    if request.method == "POST":
        ids = [int(pk) for pk in request.POST.getlist("item") if pk.isdecimal() and len(pk) < 19]
        Entitlement.objects.filter(pk__in=ids).update(reserved_by=10**6)
        return HttpResponse("Done.")
    own = Entitlement.objects.visible_to(request.actor)[:2]
    boxes = "".join(f'<input type="checkbox" name="item" value="{row.pk}">' for row in own)
    return HttpResponse(f'<form method="post">{boxes}</form>')


@access.roles(Role.INSTALLER)
def searches(request: access.PortalRequest) -> HttpResponse:
    """A search that counts what is not the own."""
    word = request.GET.get("q", "")
    found = Site.objects.filter(name__icontains=word).count() if word.isascii() and "\0" not in word else 0
    return HttpResponse(f"{found} found")


def undeclared(request: HttpRequest) -> HttpResponse:
    """A view that forgot its policy."""
    return HttpResponse("Hello.")


urlpatterns = [
    path("", include("smartplus.urls")),
    path("leaky/shows/<int:site_id>/", shows, name="leaky-shows"),
    path("leaky/tells/<int:site_id>/", tells, name="leaky-tells"),
    path("leaky/takes/", takes, name="leaky-takes"),
    path("leaky/searches/", searches, name="leaky-searches"),
    path("leaky/undeclared/", undeclared, name="leaky-undeclared"),
    path("leaky/unknown/<int:thing_id>/", tells, name="leaky-unknown"),
]
handler404 = "smartplus.portal.kit.errors.not_found"
handler403 = "smartplus.portal.kit.errors.not_permitted"
handler500 = "smartplus.portal.kit.errors.server_error"
