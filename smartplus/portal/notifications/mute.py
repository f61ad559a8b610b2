"""Stopping mail of one kind by the link in it, without signing in (RFC 8058 for programs, a page with a button for people)."""

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
@csrf_exempt  # mail programs bring no cookie: the signed link itself says who asks for what
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: HttpRequest, token: str) -> HttpResponse:
    """GET changes nothing, since scanners open links too: it asks. POST stops the mail, from the page and from a mail program alike."""
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
