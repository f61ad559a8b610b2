"""Forms that came too late: each kind is told what happened, and has a way on with what was typed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme

from accounts.models import User
from accounts.typed import mail, text
from smartplus import access, past_forms
from smartplus.portal.views import errors
from smartplus.portal.views.auth import next_page

ELSEWHERE = ("Origin checking failed", "Referer checking failed")


@access.public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 with what became of the form: signed in meanwhile, switched meanwhile, signed out, too old, or not ours at all."""
    if reason.startswith(ELSEWHERE):
        return errors.page(request, past_forms.PAGE, 403, kind="elsewhere")
    match = request.resolver_match
    user = request.user if isinstance(request.user, User) else None
    if match is not None and match.url_name == "sign-in":
        return _sign_in(request, user)
    if user is None:
        page = _page_before(request)
        past_forms.keep_for_later(request, page or request.get_full_path())
        back = urlencode({"next": page or reverse("home")})
        return _answer(request, kind="signed_out", way=f"{reverse('sign-in')}?{back}")
    ended = past_forms.find(request)
    if ended is None:
        return _answer(request, kind="old", way=_page_before(request))
    if ended["why"] == past_forms.SWITCHED and (made_for := past_forms.membership_of(user, ended)):
        kept = past_forms.keep(request) if past_forms.is_whole(request) else ""
        return _answer(request, kind="switched", made_for=made_for, kept=kept)
    if past_forms.is_whole(request):
        again = {"path": request.get_full_path(), "fields": past_forms.typed(request)}
        return _answer(request, kind="again", again=again)
    return _answer(request, kind="old", way=_page_before(request))


def left_over(request: HttpRequest) -> HttpResponse | None:
    """The page of a form that waits for this person, where its own page could not fill it: to be sent, or to be read and copied."""
    found = past_forms.waiting_here(request)
    if found is None:
        return None
    past_forms.drop(request)
    context: dict[str, Any] = (
        {"kind": "again", "again": found} if found["is_whole"] else {"kind": "old", "way": found["page"]}
    )
    return errors.page(request, past_forms.PAGE, 200, typed=past_forms.shown(found["fields"]), **context)


def _sign_in(request: HttpRequest, user: User | None) -> HttpResponse:
    typed = text.sought(request.POST.get("username", ""), most=mail.LONGEST)
    if user is None:
        again = urlencode({"email": typed, "next": next_page(request, "")})
        return errors.page(request, past_forms.PAGE, 403, kind="sign_in_old", way=f"{reverse('sign-in')}?{again}")
    is_other = bool(typed) and mail.key(typed) != user.email_key
    return errors.page(
        request,
        past_forms.PAGE,
        403,
        kind="sign_in_done",
        way=next_page(request),
        typed_email=typed if is_other else "",
    )


def _answer(request: HttpRequest, **context: Any) -> HttpResponse:
    return errors.page(request, past_forms.PAGE, 403, typed=past_forms.shown(past_forms.typed(request)), **context)


def _page_before(request: HttpRequest) -> str:
    """The page with the form, by what the browser says; empty if it is not one of ours."""
    before = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    if not before or not url_has_allowed_host_and_scheme(
        before, allowed_hosts=hosts, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(before)
    path = escape_leading_slashes(parts.path)  # "//elsewhere" would be another site
    return f"{path}?{parts.query}" if parts.query else path
