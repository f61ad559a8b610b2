"""Pages that need a grant besides the role: what the own firm allows this member (DOMAIN §1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotPermitted
from accounts.scope import Grant

Page = TypeVar("Page", bound=Callable[..., HttpResponseBase])
REASONS: dict[Grant, Promise] = {
    Grant.SEES_PRICES: _("Your firm does not show you prices. An administrator there can change that."),
    Grant.SEES_INVOICES: _("Your firm does not show you orders and invoices. An administrator there can change that."),
    Grant.MANAGES_SUBSCRIPTIONS: _(
        "Your firm lets others manage subscriptions. An administrator there can change that."
    ),
}


def requires_grant(grant: Grant) -> Callable[[Page], Page]:
    """Refuse members without this grant with 403 and the reason. Goes below `access.roles`, which declares the policy."""

    def guard(view: Page) -> Page:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if grant not in request.actor.grants:
                raise NotPermitted(str(REASONS[grant]))
            return view(request, *args, **kwargs)

        return cast(Page, guarded)

    return guard
