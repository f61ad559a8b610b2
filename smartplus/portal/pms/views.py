"""The connection of a site to a property management system: its state, its token, which is shown once, and its end."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.scope import Role
from communities.actions import pms, pms_sync
from communities.models import PmsConnection
from smartplus import access
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made as made_once
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.pms.forms import TokenForm
from smartplus.portal.pms.results import counted
from smartplus.portal.sites.site_context import site_context, visible_site

READERS = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
ENABLERS = (Role.OPERATOR, Role.DISTRIBUTOR)
REVOKERS = (*ENABLERS, Role.INSTALLER)


@access.roles(*READERS)
@require_safe
def site_pms(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The connection, its last sync, and the price class with the reason."""
    site = visible_site(request, site_id)
    row = _live(request, site_id)
    context = {
        **site_context(request, site, "overview"),
        "connection": row,
        "results": counted(row.last_counts) if row else [],
        "may_enable": pms.may_enable(request.actor) and site.archived_at is None,
        "may_connect": pms.may_connect(request.actor) and site.archived_at is None and site.kind == "community",
        "may_revoke": request.actor.role in REVOKERS and site.archived_at is None,
        "most": pms_sync.MOST_PEOPLE,
    }
    return render(request, "pms/site.html", context)


@never_cache
@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def pms_token(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Connect the site, or give its connection another token. The text of the token is in this answer only."""
    site = visible_site(request, site_id)
    row = _live(request, site_id)
    form = TokenForm(posted(request), initial={"is_beyond_free": bool(row and row.is_beyond_free)}, label_suffix="")

    def act() -> tuple[PmsConnection, str]:
        given = {**form.cleaned_data, "now": request.now}
        if row is None:
            return pms.connect(request.actor, site_id=site_id, **given)
        return pms.renew_token(request.actor, connection_id=row.pk, **given)

    made = submitted(form, act)
    context = {
        **site_context(request, site, "overview"),
        "connection": made[0] if made else row,
        "token": made[1] if made else "",
        "endpoint": f"{settings.SITE_URL}/api/v1/pms/residents/",
    }
    if made is None:
        return answer(request, "pms/token.html", form, context)
    return made_once(render(request, "pms/token.html", {**context, "form": form}), made[0])


@access.roles(*ENABLERS)
@require_POST
@refused_at("site-pms")
def pms_enable(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Let the connection work."""
    found = PmsConnection.objects.visible_to(request.actor).live().get(site=site_id)
    pms.enable(request.actor, connection_id=found.pk, now=request.now)
    messages.success(
        request, _("The connection is enabled. With its first sync the site gets the price class Integration.")
    )
    return redirect("site-pms", site_id)


@access.roles(*REVOKERS)
@require_POST
@refused_at("site-pms")
def pms_revoke(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """End the connection."""
    found = PmsConnection.objects.visible_to(request.actor).live().get(site=site_id)
    pms.revoke(request.actor, connection_id=found.pk, now=request.now)
    messages.success(
        request, _("The connection is revoked. Its residents stay; the next order has the prices of the class Normal.")
    )
    return redirect("site-pms", site_id)


def _live(request: access.PortalRequest, site_id: int) -> PmsConnection | None:
    seen = PmsConnection.objects.visible_to(request.actor).live().filter(site=site_id)
    return seen.select_related("created_by", "enabled_by").first()
