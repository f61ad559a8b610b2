"""The public pages of who has a registration code. Before a working code they show nothing of any site, and every code that does not work is
answered alike."""

from __future__ import annotations

import math
from datetime import timedelta

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import ActionError
from communities import registration_codes as typed_codes
from communities.actions import registrations
from communities.actions.registrations import CodeOver
from communities.models import Stage
from smartplus import access, jobs, throttle
from smartplus.access import TimedRequest
from smartplus.portal.kit.fields import IdentifierField, LineField, MailField, refuse
from smartplus.portal.kit.responses import submitted
from smartplus.statuses import UNPROCESSABLE

GONE, TOO_MANY = 410, 429


class CodeForm(forms.Form):
    """A code that is typed."""

    code = IdentifierField(
        label=gettext_lazy("Code of the sheet"), max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )  # fmt: skip

    def clean_code(self) -> str:
        """The code as it is compared; what can be none stays empty and is answered like a wrong one."""
        return typed_codes.read(self.cleaned_data["code"])


class JoinForm(forms.Form):
    """A form behind a code. That the code is over is no fault of the form: the page answers as for any other code that does not work."""

    def refuse(self, refusal: ActionError) -> None:
        """Show a refusal; a code that ended at this moment is none."""
        if isinstance(refusal, CodeOver):
            raise refusal
        refuse(self, refusal)


class PersonalForm(JoinForm):
    """Who wants to be registered."""

    name = LineField(label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = MailField(label=gettext_lazy("Email"))
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)


@sensitive_post_parameters()
@never_cache
@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def join_typed(request: TimedRequest) -> HttpResponse:
    """Type the code of a sheet. Wrong ones are counted by network address and by site; a right one leads on for half an hour."""
    form = CodeForm(request.POST if request.method == "POST" else None, label_suffix="")
    if not form.is_bound or not form.is_valid():
        status = UNPROCESSABLE if form.is_bound else 200
        return render(request, "residents/join_typed.html", {"form": form}, status=status)
    code = form.cleaned_data["code"]
    if (wait := throttle.refuses_join(request, typed_codes.site_part(code), now=request.now)) is not None:
        return _rest(request, wait)
    try:
        token = registrations.pass_of(code, now=request.now)
    except CodeOver:
        form.add_error("code", _("This code does not work. Check it, or ask for another sheet."))
        return render(request, "residents/join_typed.html", {"form": form}, status=UNPROCESSABLE)
    throttle.forgive_join(request)
    return redirect("join", token)


@sensitive_post_parameters()
@never_cache
@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: TimedRequest, token: str) -> HttpResponse:
    """Who has a working code enters name and address; a mail confirms the address. The answer does not tell whether a mail went out."""
    try:
        code = registrations.find_code(token, now=request.now)
        data = request.POST if request.method == "POST" else None
        form = PersonalForm(data, initial={"language": translation.get_language()}, label_suffix="")
        if submitted(form, lambda: _ask(request, token, form)) is None:
            status = UNPROCESSABLE if form.errors else 200
            return render(request, "residents/join.html", {"code": code, "form": form}, status=status)
    except CodeOver:
        return _over(request)
    jobs.hurry("mail")
    return redirect("join-sent")


@access.public
@require_safe
def join_sent(request: TimedRequest) -> HttpResponse:
    """Show the same page whether or not a mail went out."""
    return render(request, "residents/join_sent.html")


@never_cache
@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def join_confirm(request: TimedRequest, token: str) -> HttpResponse:
    """Register the person whose mailbox the link proves. Looking changes nothing, since mail scanners look too; only the button registers."""
    try:
        asked = registrations.find_registration(token, now=request.now)
        form = JoinForm({} if request.method == "POST" else None)
        with translation.override(asked.language):
            resident = submitted(form, lambda: registrations.confirm_registration(token=token, now=request.now))
            if resident is None:
                status = UNPROCESSABLE if form.is_bound else 200
                return render(request, "residents/join_confirm.html", {"asked": asked, "form": form}, status=status)
            context = {"asked": asked, "waits": resident.stage == Stage.WAITING}
            return render(request, "residents/join_done.html", context)
    except CodeOver:
        return _over(request)


def _ask(request: TimedRequest, token: str, form: PersonalForm) -> bool:
    if throttle.may_mail(throttle.JOIN_PREFIX, form.cleaned_data["email"], now=request.now):
        registrations.ask_to_register(token=token, now=request.now, **form.cleaned_data)
    return True


def _over(request: TimedRequest) -> HttpResponse:
    return render(request, "residents/join_over.html", status=GONE)


def _rest(request: TimedRequest, wait: timedelta) -> HttpResponse:
    wait_s = max(0, math.ceil(wait.total_seconds()))
    context = {"minutes": max(1, math.ceil(wait_s / 60))}
    response = render(request, "residents/join_rest.html", context, status=TOO_MANY)
    response["Retry-After"] = str(wait_s + 1)
    return response
