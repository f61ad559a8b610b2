"""Notifications: muting, received mail, and mail that could not be delivered."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import notices
from accounts.models import Notice
from smartplus import access, jobs
from smartplus.portal.audit.queries import READERS
from smartplus.portal.kit import conflicts, edits, mail_history
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.notifications.forms import NotificationsForm

SHOWN = 20
FAILED = 50  # failed mail is all shown, up to the size of a page


@access.roles()
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: access.PortalRequest) -> HttpResponse:
    """A switch for each topic, and the last mail; for administrators also failed mail of their subtree."""
    visible = Notice.objects.visible_to(request.actor).defer("body")
    failed = visible.filter(state=Notice.State.FAILED, organization__isnull=False).exclude(user=request.user)

    def context(_muted: set[str], _form: NotificationsForm) -> edits.Context:
        shows_failed = notices.manages_mail(request.actor)
        return {
            "own": mail_history.newest(visible.filter(user=request.user), request.GET, size=SHOWN),
            "failed": mail_history.MailHistory(list(failed[:FAILED]), older="", is_older=False)
            if shows_failed
            else None,
        }

    return edits.edit(
        request,
        "notifications/settings.html",
        edits.Edit(
            row=lambda: notices.muted_by(request.user),
            form=lambda muted, sent: NotificationsForm(sent, muted=muted),
            act=lambda form: notices.choose_topics(
                request.actor,
                request.user,
                muted=form.wishes,
                seen=conflicts.began_with(form) or {},
                now=request.now,
            ),
            context=context,
            said=lambda _saved, _form: _("Your notifications are saved."),
            to=lambda _saved: reverse("settings-notifications"),
            saved_by=lambda _muted: conflicts.about(request.user) & Q(action=notices.NOTIFICATIONS_CHANGED.code),
            is_own=True,
        ),
    )


def _page_it_came_from(request: access.PortalRequest) -> str:
    """The page that `next` names, if it is one of ours."""
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
