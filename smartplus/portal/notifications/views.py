"""Notifications: which mail one wants, what came, and what could not be delivered."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit, notify
from accounts.actions import members, notices
from accounts.models import Mute, Notice
from smartplus import access, jobs
from smartplus.audit import NOTIFICATIONS_CHANGED
from smartplus.portal.audit.queries import READERS
from smartplus.portal.kit import conflicts
from smartplus.portal.kit import mail_history as told
from smartplus.portal.kit.answers import answer, conflict, posted
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.notifications.forms import NotificationsForm

SHOWN = 20
FAILED = 50  # what nobody got is all shown, as far as a page can


@access.roles()
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: access.PortalRequest) -> HttpResponse:
    """A switch for each topic, and the last mail; for those who look after others also what failed in their subtree."""
    form = NotificationsForm(posted(request), muted=_muted(request))
    clash = None
    if form.is_bound and form.is_valid():
        fresh = _save(request, form)
        if fresh is None:
            messages.success(request, _("Your notifications are saved."))
            return redirect("settings-notifications")
        saved = conflicts.about(request.user) & Q(action=NOTIFICATIONS_CHANGED.code)
        clash = conflicts.clash(request, saved, (form, fresh), is_own=True)
        form = fresh
    visible = Notice.objects.visible_to(request.actor).defer("body")
    failed = visible.filter(state=Notice.State.FAILED, organization__isnull=False).exclude(user=request.user)
    context = {
        "own": told.newest(visible.filter(user=request.user), request.GET, size=SHOWN),
        "failed": told.Told(list(failed[:FAILED]), older="", is_older=False)
        if notices.manages_mail(request.actor)
        else None,
    }
    if clash:
        return conflict(request, "notifications/settings.html", form, context, clash)
    return answer(request, "notifications/settings.html", form, context)


@transaction.atomic
def _save(request: access.PortalRequest, form: NotificationsForm) -> NotificationsForm | None:
    """Mute what was asked for; where another window of the person was faster nothing, and the form as it is now."""
    members.lock_self(request.user)
    muted = _muted(request)
    fresh = NotificationsForm(muted=muted)
    if conflicts.is_stale(form, fresh):
        return fresh
    if changed := form.wishes ^ muted:
        notify.set_mutes(request.user, topics=form.wishes, now=request.now)
        audit.record(
            request.actor, NOTIFICATIONS_CHANGED, request.user, now=request.now, tenant=request.membership.organization,
            after={"fields": sorted(changed)}, label=f"#{request.user.pk}",
        )  # fmt: skip
    return None


def _muted(request: access.PortalRequest) -> set[str]:
    return set(Mute.objects.filter(user=request.user).values_list("topic", flat=True))


def _page_it_came_from(request: access.PortalRequest) -> str:
    """The page `next` names, if it is one of ours."""
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return back if is_ours else reverse("settings-notifications")


@access.roles(*READERS)
@require_POST
@refused_at(_page_it_came_from)
def notice_again(request: access.PortalRequest, notice_id: int) -> HttpResponse:
    """Send one failed mail again."""
    notice = notices.send_again(request.actor, notice_id=notice_id, now=request.now)
    jobs.hurry("mail")
    messages.success(request, _("The mail to %(email)s is on its way again.") % {"email": notice.email})
    return redirect(_page_it_came_from(request))
