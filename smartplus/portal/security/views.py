"""The second factor, and the person's sessions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import two_factor
from accounts.actions import sessions as session_actions
from accounts.actions import two_factor as actions
from accounts.errors import Refused
from accounts.models import ApiToken, User, UserSession
from smartplus import access, jobs, sessions, throttle
from smartplus.access import PortalRequest, Stage
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.proof import ProofForm
from smartplus.portal.kit.qr_codes import qr_code
from smartplus.portal.kit.responses import posted, submitted
from smartplus.portal.kit.routes import next_page
from smartplus.portal.security.forms import AppForm, KeptForm, SignInCodeForm
from smartplus.statuses import UNPROCESSABLE

PAGE = "security/security.html"


@sensitive_post_parameters()
@never_cache
@access.roles(also_at={Stage.CODE})
def sign_in_code(request: PortalRequest) -> HttpResponse:
    """The second step of the sign-in: the six digits, or a recovery code. A person who needs no code is redirected."""
    user = request.user
    if user.two_factor_at is None or sessions.is_verified(request, user):
        return redirect(next_page(request))
    if refusal := throttle.refuses_codes(request, user):
        return refusal
    form = SignInCodeForm(posted(request))
    if form.is_bound and form.is_valid():
        if actions.check_code(user, form.cleaned_data["code"], now=request.now):
            throttle.forget_wrong_codes(user)
            sessions.verify(request, user)
            response = redirect(next_page(request))
            sessions.begin(request, response, user, is_first=False, now=request.now)
            return response
        throttle.count_wrong_code(request, user)
        form.add_error("code", actions.WrongCode.message)
    context = {"form": form, "next": next_page(request, "")}
    return render(request, "security/sign_in_code.html", context, status=UNPROCESSABLE if form.errors else 200)


@sensitive_post_parameters()
@never_cache
@access.roles(also_at={Stage.SET_UP})
def security(request: PortalRequest) -> HttpResponse:
    """The second factor, set up in three steps; the person's sessions; the password.

    POST is the second step: the first code of the app, and the password. Its answer shows the recovery codes, once.
    """
    user = request.user
    if request.method == "POST" and (refusal := throttle.refuses_codes(request, user)):
        return refusal
    form = AppForm(user, request.POST) if request.method == "POST" else AppForm.fresh(user)
    codes = submitted(form, lambda: actions.begin_two_factor(user, now=request.now, **form.cleaned_data))
    if codes:
        request.session[sessions.TOOK_APP] = True
    elif form.is_bound and form["password"].errors and form["password"].value():
        throttle.count_wrong_code(request, user)  # counted: nobody may guess passwords with an open session
    return _page(request, app=form, codes=codes)


@never_cache
@access.roles(also_at={Stage.SET_UP})
@require_POST
@refused_at("settings-security")
def two_factor_on(request: PortalRequest) -> HttpResponse:
    """The third step, in the same session as the second. A person who has not saved the codes gets new ones."""
    user, form = request.user, KeptForm(request.POST)
    if not request.session.get(sessions.TOOK_APP):
        raise Refused(_("Scan the code and type the six digits first."))
    # refused if the page is outdated: two-factor is on already, or no app was stored
    if not form.is_valid():
        return _page(request, codes=actions.draw_codes_again(user), kept=form)
    actions.switch_two_factor_on(request.actor, user, now=request.now)
    del request.session[sessions.TOOK_APP]
    sessions.verify(request, user)  # the person gave the app's code a moment ago
    messages.success(request, _("Two-factor authentication is on. From now on each sign-in asks for a code."))
    return redirect(next_page(request, "settings-security"))


@sensitive_post_parameters()
@access.roles()
@require_POST
def two_factor_off(request: PortalRequest) -> HttpResponse:
    """Stop asking for a code; needs password and code."""
    form = ProofForm(request.POST, prefix="off")
    if refusal := throttle.refuses_codes(request, request.user):
        return refusal

    def switch_off() -> bool:
        proof = form.cleaned_data
        actions.switch_two_factor_off(
            request.actor, request.user, password=proof["password"], code=proof["code"], now=request.now
        )
        return True

    if not submitted(form, switch_off):
        return _refused(request, off=form)
    messages.success(request, _("Two-factor authentication is off."))
    return redirect("settings-security")


@sensitive_post_parameters()
@never_cache
@access.roles()
@require_POST
def recovery_codes(request: PortalRequest) -> HttpResponse:
    """New recovery codes, shown in this answer only; needs password and code."""
    form = ProofForm(request.POST, prefix="renew")
    if refusal := throttle.refuses_codes(request, request.user):
        return refusal
    codes = submitted(
        form,
        lambda: actions.renew_recovery_codes(
            request.actor,
            request.user,
            password=form.cleaned_data["password"],
            code=form.cleaned_data["code"],
            now=request.now,
        ),
    )
    return _page(request, codes=codes) if codes else _refused(request, renew=form)


@access.roles()
@require_POST
def session_end(request: PortalRequest) -> HttpResponse:
    """Sign one device out; 404 for an id of another person."""
    number = typed_id(request.POST.get("session"))
    session_actions.end_session(request.actor, request.user, session_id=number, now=request.now)
    messages.success(request, _("The device is signed out."))
    return redirect("settings-security")


@access.roles()
@require_POST
def sessions_end(request: PortalRequest) -> HttpResponse:
    """Sign every other device out, and end the person's tokens."""
    key = request.session.session_key or ""
    ended, revoked = session_actions.end_other_sessions(request.actor, request.user, but=key, now=request.now)
    said = ngettext("%(n)d other device is signed out.", "%(n)d other devices are signed out.", ended) % {"n": ended}
    if revoked:
        more = ngettext("%(n)d API token is revoked.", "%(n)d API tokens are revoked.", revoked) % {"n": revoked}
        said = f"{said} {more}"
        jobs.hurry("mail")
    messages.success(request, said)
    return redirect("settings-security")


def _refused(request: PortalRequest, **forms: ProofForm) -> HttpResponse:
    """The page with a form whose proof was wrong; wrong proofs are counted here too."""
    if any(form.is_wrong() for form in forms.values()):
        throttle.count_wrong_code(request, request.user)
    return _page(request, **forms)


def _page(request: PortalRequest, **parts: Any) -> HttpResponse:
    """Parts: `app`, `kept`, `off` and `renew` are forms, `codes` the recovery codes to show."""
    user = User.objects.get(pk=request.user.pk)
    codes = parts.get("codes")
    is_refused = any(form is not None and form.errors for form in map(parts.get, ("app", "kept", "off", "renew")))
    app: AppForm = parts.get("app") or AppForm.fresh(user)
    is_stale = not app.secret()
    if is_stale:
        app = AppForm.fresh(user)
    context = {
        "person": user,
        "demanded_by": actions.demanding(user),
        "is_set_up_only": access.stage_of(request, request.membership) is Stage.SET_UP,
        "next": next_page(request, ""),
        "app": app,
        "is_stale": is_stale,
        "codes": codes,
        "codes_file": _codes_file(user, codes) if codes else "",
        "kept": parts.get("kept") or KeptForm(),
        "off": parts.get("off") or ProofForm(prefix="off"),
        "renew": parts.get("renew") or ProofForm(prefix="renew"),
        "codes_left": actions.recovery_codes_left(user),
        "qr": _qr(user, app.secret()),
        "spelled": two_factor.spelled(app.secret()),
        "sessions": list(UserSession.objects.of(user).alive(request.now)),
        "session_key": request.session.session_key,
        "n_tokens": ApiToken.objects.of(user).usable(request.now).count(),
    }
    return render(request, PAGE, context, status=UNPROCESSABLE if is_refused else 200)


def _qr(user: User, secret: str) -> SafeString:
    """The QR code for an app."""
    return qr_code(TOTPDevice(user=user, key=secret).config_url, error="l")


def _codes_file(user: User, codes: list[str]) -> str:
    """The codes as a text file inside a link (data: address), so that they are not stored on the server."""
    text = "\n".join([_("SmartPlus recovery codes of %(email)s") % {"email": user.email}, *codes, ""])
    return f"data:text/plain;charset=utf-8,{quote(text)}"
