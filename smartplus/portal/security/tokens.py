"""A person's own API tokens: created, shown once, revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.actions import tokens as actions
from accounts.models import ApiToken, Scope
from accounts.models.tokens import scopes_open_to
from smartplus import access, throttle
from smartplus.access import PortalRequest
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.once import made as made_once
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.security.forms import TokenForm

LABELS = dict(Scope.choices)
SHOWN_REVOKED = 20  # the newest ended tokens that are shown


@sensitive_post_parameters()
@never_cache
@access.roles()
@once
def token_list(request: PortalRequest) -> HttpResponse:
    """The tokens of the membership, and the form for another one. The text of a new token is in this answer only."""
    open_scopes = scopes_open_to(request.actor)
    if request.method == "POST" and (refusal := throttle.refuses_codes(request, request.user)):
        return refusal
    form = TokenForm(open_scopes, posted(request), user=request.user)
    made = submitted(
        form,
        lambda: actions.create_token(
            request.actor,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at(),
            **form.proof,
            now=request.now,
        ),
    )
    if form.is_bound and form.is_wrong():
        throttle.count_wrong_code(request, request.user)
    seen = ApiToken.objects.visible_to(request.actor)
    found = list(seen.filter(revoked_at=None))
    context: dict[str, Any] = {
        "tokens": [
            {
                "row": token,
                "scopes": [LABELS.get(scope, scope) for scope in token.scopes],
                "is_over": token.expires_at is not None and token.expires_at <= request.now,
            }
            for token in found
        ],
        "revoked": list(seen.exclude(revoked_at=None).order_by("-revoked_at", "-pk")[:SHOWN_REVOKED]),
        "made": made,
    }
    if made:
        context["form"] = TokenForm(open_scopes, user=request.user)
        return made_once(render(request, "security/tokens.html", context), made[0])
    return answer(request, "security/tokens.html", form, context)


@access.roles()
@require_POST
def token_revoke(request: PortalRequest) -> HttpResponse:
    """Revoke one of the person's own tokens; 404 for any other id."""
    token = actions.revoke_token(request.actor, token_id=typed_id(request.POST.get("token")), now=request.now)
    messages.success(
        request, _("“%(name)s” is revoked. Whatever used it is shut out from now on.") % {"name": token.name}
    )
    return redirect("settings-tokens")
