"""Muting a topic by the link in a mail, without signing in (RFC 8058 for programs, a page with a button for people)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import mail
from accounts.actions import notices
from smartplus import access

GONE = 410


@access.public
@csrf_exempt  # mail programs send no cookie; the signed link names user and topic
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: HttpRequest, token: str) -> HttpResponse:
    """GET changes nothing, because mail scanners open links; it shows a button. POST mutes the topic, for the page and for mail programs."""
    found = mail.muted_by(token)
    if found is None:
        return render(request, "notifications/mute.html", {"layout": "bare.html"}, status=GONE)
    user, topic = found
    is_done = request.method == "POST"
    if is_done:
        notices.mute_by_link(user, topic=topic, now=timezone.now())
    with translation.override(user.language):
        context = {
            "layout": "bare.html",
            "email": user.email,
            "topic": topic.label,
            "is_done": is_done,
            "is_known": True,
        }
        return render(request, "notifications/mute.html", context)
