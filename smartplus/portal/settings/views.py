"""The own account: profile and password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import audit
from accounts.actions import members, sessions
from smartplus import access, throttle
from smartplus.access import PortalRequest
from smartplus.audit import PASSWORD_CHANGED, PROFILE_CHANGED
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import conflict, refill
from smartplus.portal.settings.forms import PasswordForm, ProfileForm


@access.roles()
def profile(request: PortalRequest) -> HttpResponse:
    """Name, language and time zone of the signed-in person."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            fresh = ProfileForm(instance=members.lock_self(request.user))
            is_stale = conflicts.is_stale(form, fresh)
            if form.changed_data and not is_stale:
                # Only what was changed here: the row read with the request is older than the lock, and it has the password too.
                form.instance.save(update_fields=form.changed_data)
                _record(request, PROFILE_CHANGED, form.changed_data)
        if is_stale:
            request.user.refresh_from_db()
            told = conflicts.clash(
                request, conflicts.about(request.user) & Q(action=PROFILE_CHANGED.code), (form, fresh), is_own=True
            )
            return conflict(request, "settings/profile.html", fresh, {}, told)
        with translation.override(request.user.language):
            messages.success(request, _("Your profile is saved."))
        return redirect("settings")
    request.user.refresh_from_db()  # a refused form has written its values into the instance, which the menu shows
    refill(request, form)
    return render(request, "settings/profile.html", {"form": form}, status=422 if form.is_bound else 200)


@sensitive_post_parameters()
@access.roles()
def password(request: PortalRequest) -> HttpResponse:
    """A new password: this session goes on, all others of the person end."""
    if request.method == "POST" and (refusal := throttle.refuses_codes(request, request.user)):
        return refusal
    form = PasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid() and _set_password(request, form):
        update_session_auth_hash(request, request.user)
        messages.success(request, _("The password is changed. Every other device is signed out."))
        return redirect("settings-password")
    if "old_password" in form.errors and form["old_password"].value():
        throttle.count_wrong_code(request, request.user)  # an open session is no place to guess passwords
    return render(request, "settings/password.html", {"form": form}, status=422 if form.is_bound else 200)


@transaction.atomic
def _set_password(request: PortalRequest, form: PasswordForm) -> bool:
    """Set it, unless the current one that the form was checked against was changed meanwhile: then it says so.

    The checks stay outside of the lock, since hashing takes its time.
    """
    if members.lock_self(request.user).password != request.user.password:
        form.add_error("old_password", form.error_messages["password_incorrect"])
        return False
    form.save()
    _record(request, PASSWORD_CHANGED, ["password"])
    sessions.record_new_password(request.user, but=request.session.session_key, now=request.now)
    return True


def _record(request: PortalRequest, word: audit.Word, fields: list[str]) -> None:
    """Names of fields only: values of a person's own data have no place in a log that is never shortened."""
    audit.record(
        request.actor,
        word,
        request.user,
        now=request.now,
        tenant=request.membership.organization,
        after={"fields": sorted(fields)},
        label=f"#{request.user.pk}",
    )
