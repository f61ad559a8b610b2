"""The seller for the operator: who stands on mails, orders and invoices, in versions; and its logo for everybody."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import sellers
from accounts.actions import seller as actions
from accounts.actions import terms
from accounts.errors import Conflict, Refused
from accounts.models import SellerVersion
from accounts.scope import Role
from smartplus import access
from smartplus.portal.kit.answers import refill, submitted
from smartplus.portal.kit.once import made, once
from smartplus.portal.texts.editor import STATES
from smartplus.portal.texts.forms import SellerForm
from smartplus.statuses import CONFLICT, UNPROCESSABLE

LOGO_POLICY = "default-src 'none'; sandbox"


@access.roles(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def seller(request: access.PortalRequest) -> HttpResponse:
    """The next version, filled in with the last one; all versions below."""
    rows = list(
        SellerVersion.objects.visible_to(request.actor)
        .select_related("logo", "published_by").defer("logo__content").order_by("-number")
    )  # fmt: skip
    last = rows[0] if rows else None
    if request.method != "POST":
        form = SellerForm.filled(last, valid_from=request.now.astimezone(UTC).date())
        refill(request, form)
        return _shown(request, rows, form)
    form = SellerForm(request.POST, request.FILES)
    try:
        published = submitted(form, lambda: _publish(request, form))
    except Conflict:
        data = request.POST.copy()
        data["newest"] = str(last.number if last else 0)
        return _shown(request, rows, SellerForm(data), status=CONFLICT, clash=last)
    if published is None:
        return _shown(request, rows, form, status=UNPROCESSABLE)
    messages.success(request, _("%(text)s is published.") % {"text": published})
    return made(redirect("setup-seller"), published)


@access.public
@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """The bytes of a logo. What people sent is shown as the picture that it was found to be, and as nothing else."""
    found = sellers.logo(digest)
    response = HttpResponse(bytes(found.content), content_type=found.content_type)
    response["Content-Security-Policy"] = LOGO_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = f'inline; filename="logo.{found.content_type.partition("/")[2]}"'
    response["Cache-Control"] = "public, max-age=31536000, immutable"  # the address is the digest of the bytes
    return response


def _publish(request: access.PortalRequest, form: SellerForm) -> SellerVersion:
    day = form.cleaned_data["valid_from"]
    if day is None:
        raise Refused(_("Say from which day it is valid."), field="valid_from")
    return actions.publish(
        request.actor,
        values=form.values(),
        valid_from=terms.starts_at(day, now=request.now),
        picture=form.picture(),
        keeps_logo=not form.cleaned_data["no_logo"],
        newest=form.cleaned_data["newest"],
        now=request.now,
    )


def _shown(
    request: access.PortalRequest, rows: list[SellerVersion], form: SellerForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    standing = terms.standing(rows, now=request.now)
    context = {
        "area": "setup",
        "section": "seller",
        "form": form,
        "versions": [(row, state, STATES[state]) for row, state in standing],
        "last": rows[0] if rows else None,
        "current": next((row for row, state in standing if state == terms.IN_FORCE), None),
        "next_number": rows[0].number + 1 if rows else 1,
        **more,
    }
    return render(request, "texts/seller.html", context, status=status)
