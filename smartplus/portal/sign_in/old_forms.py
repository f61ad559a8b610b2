"""Forms that were sent too late: each kind has a page that says what happened, and how to continue with what was typed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.typed import mail, text
from smartplus import access, past_forms
from smartplus.portal.kit import errors
from smartplus.portal.kit.routes import next_page

ELSEWHERE = ("Origin checking failed", "Referer checking failed")


@access.public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 and say why the form was not accepted.

    The person signed in, switched the membership or signed out meanwhile; or the token is too old, or is not ours.
    """
    if reason.startswith(ELSEWHERE):
        return errors.page(request, past_forms.PAGE, 403, kind="elsewhere")
    match = request.resolver_match
    user = request.user if isinstance(request.user, User) else None
    if match is not None and match.url_name == "sign-in":
        return _sign_in(request, user)
    page = _page_before(request)
    is_open = (
        match is None or access.policy_of(match.func).is_public
    )  # signing out and the like: nothing to come back to
    waiting = None if is_open else past_forms.keep_for_later(request, page or request.get_full_path())
    if user is None:
        back = urlencode({"next": page or reverse("home")})
        return _answer(request, kind="signed_out", way=f"{reverse('sign-in')}?{back}")
    if waiting is not None and (switched := _switched(request, waiting, 403)):
        return switched
    is_back = bool(waiting and waiting["fields"] and past_forms.belongs_to(waiting, waiting["page"]))
    return _answer(request, kind="old", way=page, is_back=is_back)


def left_over(request: HttpRequest, response: HttpResponse) -> HttpResponse | None:
    """The answer in place of a page that did not fill in the form that waits for it; None where no form waits.

    It leads to the right membership, or shows what was typed, or shows the page again with a message that something was not done. It never
    sends the form.
    """
    found = past_forms.waiting_here(request)
    if found is None:
        return None
    if switched := _switched(request, found, response.status_code):
        return switched
    if found["membership"] != _current(request) or response.status_code not in {200, 405}:
        return None
    past_forms.drop(request)
    typed = past_forms.shown(found["fields"]) if past_forms.belongs_to(found, found["page"]) else []
    if typed and response.status_code == 200:
        return errors.page(request, past_forms.PAGE, 200, typed=typed, kind="old", way=found["page"])
    messages.warning(request, _("What you sent before was not done. If you still want it, please do it again."))
    return redirect(found["page"] if response.status_code == 200 else "home")


def _current(request: Any) -> int | None:
    """The membership of the request, also where a stale form was refused before the view."""
    return request.membership.pk if errors.knows_the_actor(request) else None


def _switched(request: HttpRequest, found: past_forms.Waiting, status: int) -> HttpResponse | None:
    """The page that says, once, that the form belongs to another membership, with a link back to that one."""
    if found["is_told"] or _current(request) in {None, found["membership"]}:
        return None
    made_for = past_forms.membership_of(found)
    if made_for is None:
        return None
    request.session[past_forms.LATER] = {**found, "is_told": True}
    typed = past_forms.shown(found["fields"])
    return errors.page(
        request, past_forms.PAGE, status, kind="switched", made_for=made_for, way=found["page"], typed=typed
    )


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
    """The address of the page with the form, as the browser names it; "" if it is not one of ours."""
    before = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    if not before or not url_has_allowed_host_and_scheme(
        before, allowed_hosts=hosts, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(before)
    path = escape_leading_slashes(parts.path)  # "//elsewhere" would be another site
    return f"{path}?{parts.query}" if parts.query else path
