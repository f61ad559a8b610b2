"""What background work could not do: the operator's list of failures, with their next try."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import CircuitBreaker, ItemFailure
from accounts.scope import Role
from smartplus import access, failures, jobs
from smartplus.portal.kit import keyset
from smartplus.portal.operator import queries as work

PAGE = 50
STATES = {
    "failed": gettext_lazy("Tried again"),
    "waiting": gettext_lazy("Waits for an answer"),
    "given-up": gettext_lazy("Given up"),
}
NARROWED: dict[str, dict[str, Any]] = {
    "failed": {"is_expected": False, "next_try_at__isnull": False},
    "waiting": {"is_expected": True, "next_try_at__isnull": False},
    "given-up": {"next_try_at": None},
}
COLUMNS: keyset.Columns = {"job": ["job"], "tries": ["tries"], "tried": ["tried_at"], "next": ["next_at"]}


@access.roles(Role.OPERATOR)
@require_safe
def failure_list(request: access.PortalRequest) -> HttpResponse:
    """Items that failed, the last tried first; above them the servers that do not answer."""
    state = request.GET.get("state", "")
    found = ItemFailure.objects.visible_to(request.actor).filter(**NARROWED.get(state, {}))
    sorting = keyset.sorting(request.GET, COLUMNS, own="-tried")
    if sorting.column == "next":
        found = found.annotate(next_at=Coalesce("next_try_at", keyset.FAR))
    page = keyset.page(found, by=sorting.by, query=request.GET, size=PAGE)
    resting = CircuitBreaker.objects.visible_to(request.actor).exclude(opened_at=None)
    context = {
        "rows": work.rows(request.actor, page.rows),
        "page": page,
        "sorting": sorting,
        "states": STATES.items(),
        "state": state if state in STATES else "",
        "count": keyset.count(found),
        "servers": [(failures.server_name(row.name), row) for row in resting],
    }
    return render(request, "operator/failures.html", context)


@access.roles(Role.OPERATOR)
@require_POST
def failure_again(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Try a failed item now: a worker is woken for its job."""
    failure = jobs.try_again(request.actor, failure_id=pk, now=request.now)
    if failure.job in jobs.JOBS:
        jobs.hurry(failure.job)
    messages.success(request, _("It is being tried again. Look here in a minute: what works out leaves the list."))
    return redirect("failure-list")
