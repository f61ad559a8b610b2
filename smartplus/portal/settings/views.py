"""A person's own account: profile and password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.actions import profile as actions
from accounts.models import User
from smartplus import access, throttle
from smartplus.access import PortalRequest
from smartplus.portal.kit import conflicts, edits
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.settings.forms import PasswordForm, ProfileForm


@access.roles()
def profile(request: PortalRequest) -> HttpResponse:
    """Name, language and time zone of the signed-in person."""

    def said(saved: User, _form: ProfileForm) -> str:
        with translation.override(saved.language):
            return _("Your profile is saved.")

    return edits.edit(
        request,
        "settings/profile.html",
        edits.Edit(
            row=lambda: User.objects.get(pk=request.user.pk),
            form=lambda user, sent: ProfileForm(sent, user=user),
            act=lambda form: actions.edit_profile(
                request.actor,
                request.user,
                values=form.cleaned_data,
                seen=conflicts.began_with(form) or {},
                now=request.now,
            ),
            said=said,
            to=lambda _saved: reverse("settings"),
            saved_by=lambda user: conflicts.about(user) & Q(action=actions.PROFILE_CHANGED.code),
            is_own=True,
        ),
    )


@sensitive_post_parameters()
@access.roles()
def password(request: PortalRequest) -> HttpResponse:
    """A new password: this session continues, all others of the person end."""
    if request.method == "POST" and (refusal := throttle.refuses_codes(request, request.user)):
        return refusal
    form = PasswordForm(request.user, posted(request))

    def change() -> bool:
        actions.change_password(
            request.actor,
            request.user,
            password=form.cleaned_data["new_password1"],
            session_key=request.session.session_key,
            now=request.now,
        )
        return True

    if submitted(form, change):
        update_session_auth_hash(request, request.user)
        messages.success(request, _("The password is changed. Every other device is signed out."))
        return redirect("settings-password")
    if "old_password" in form.errors and form["old_password"].value():
        throttle.count_wrong_code(request, request.user)  # counted: nobody may guess passwords with an open session
    return answer(request, "settings/password.html", form)
