"""The seller: its form and versions for the operator; its logo for everybody."""

from __future__ import annotations

from datetime import UTC

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import sellers
from accounts.actions import seller as actions
from accounts.actions import terms
from accounts.models import SellerVersion
from accounts.scope import Role
from smartplus import access
from smartplus.portal.kit import conflicts, edits
from smartplus.portal.kit.once import once
from smartplus.portal.texts.editor import STATES
from smartplus.portal.texts.forms import SellerForm

LOGO_POLICY = "default-src 'none'; sandbox"


@access.roles(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def seller(request: access.PortalRequest) -> HttpResponse:
    """The form of the next version, filled with the last one; all versions below."""
    rows = _versions(request)

    def overtaken(form: SellerForm) -> tuple[SellerForm, Q]:
        """After a conflict: the version that was published since, if there is any, with a start before the typed day."""
        nonlocal rows
        rows = _versions(request)
        about = conflicts.about(rows[0]) if rows else Q(pk__in=[])
        return SellerForm.filled(next(iter(rows), None), valid_from=form.cleaned_data["valid_from"]), about

    begun = SellerForm.filled(next(iter(rows), None), valid_from=request.now.astimezone(UTC).date())
    return edits.follow(
        request,
        "texts/seller.html",
        form=SellerForm(request.POST, request.FILES) if request.method == "POST" else begun,
        act=lambda form: _publish(request, form),
        context=lambda _form: _context(request, rows),
        overtaken=overtaken,
        said=lambda saved, _form: _("%(text)s is published.") % {"text": saved},
        to=lambda _saved: reverse("setup-seller"),
    )


@access.public
@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """The bytes of a logo, served with the type that its bytes have and no other."""
    found = sellers.logo(digest)
    response = HttpResponse(bytes(found.content), content_type=found.content_type)
    response["Content-Security-Policy"] = LOGO_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = f'inline; filename="logo.{found.content_type.partition("/")[2]}"'
    # The address contains the digest, so it never changes
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _versions(request: access.PortalRequest) -> list[SellerVersion]:
    """All versions as they are now, the newest first."""
    rows = SellerVersion.objects.visible_to(request.actor).select_related("logo", "published_by")
    return list(rows.defer("logo__content").order_by("-number"))


def _publish(request: access.PortalRequest, form: SellerForm) -> SellerVersion:
    return actions.publish(
        request.actor,
        values=form.values(),
        valid_from=terms.starts_at(form.cleaned_data["valid_from"], now=request.now),
        picture=form.picture(),
        keeps_logo=not form.cleaned_data["no_logo"],
        newest=form.cleaned_data["newest"],
        now=request.now,
    )


def _context(request: access.PortalRequest, rows: list[SellerVersion]) -> edits.Context:
    standing = terms.standing(rows, now=request.now)
    return {
        "area": "setup",
        "section": "seller",
        "versions": [(row, state, STATES[state]) for row, state in standing],
        "last": rows[0] if rows else None,
        "current": next((row for row, state in standing if state == terms.IN_FORCE), None),
        "next_number": rows[0].number + 1 if rows else 1,
    }
