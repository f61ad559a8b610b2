"""Failures of background work: the operator's list, with the next try of each."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import CircuitBreaker, ItemFailure
from accounts.scope import Role
from smartplus import access, failures, jobs
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Column, Filter, List, Option
from smartplus.portal.operator import queries as work

FAILURES = List(
    title=gettext_lazy("Background work"),
    columns=(
        Column("job", pgettext_lazy("of work", "Item"), keys=["job"]),
        Column("state", gettext_lazy("Status")),
        Column("tries", gettext_lazy("Tries"), keys=["tries"], css="r"),
        Column("tried", gettext_lazy("Last try"), keys=["tried_at"]),
        Column(
            "next",
            gettext_lazy("Next try"),
            keys=["next_at"],
            annotations=lambda _actor: {"next_at": Coalesce("next_try_at", keyset.FAR)},
        ),
        Column("do", gettext_lazy("Action"), is_silent=True),
    ),
    own="-tried",
    filters=(
        Filter(
            "state",
            {
                "failed": Option(gettext_lazy("Tried again"), Q(is_expected=False, next_try_at__isnull=False)),
                "waiting": Option(gettext_lazy("Waits for an answer"), Q(is_expected=True, next_try_at__isnull=False)),
                "given-up": Option(gettext_lazy("Given up"), Q(next_try_at=None)),
            },
            label=gettext_lazy("Status"),
        ),
    ),
    table="two-line cards paying",
)


@access.roles(Role.OPERATOR)
@require_safe
def failure_list(request: access.PortalRequest) -> HttpResponse:
    """Failed items, the last tried first; above them the servers that do not answer."""
    listing = FAILURES.asked(request)
    found = listing.narrowed(ItemFailure.objects.visible_to(request.actor))
    page = listing.page(found)
    resting = CircuitBreaker.objects.visible_to(request.actor).exclude(opened_at=None)
    context = {
        **listing.context(page, work.rows(request.actor, page.rows)),
        "count": listing.count(page, found),
        "servers": [(failures.server_name(row.name), row) for row in resting],
    }
    return render(request, "operator/failures.html", context)


@access.roles(Role.OPERATOR)
@require_POST
def failure_again(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Try a failed item now: a worker is started for its job."""
    failure = jobs.try_again(request.actor, failure_id=pk, now=request.now)
    if failure.job in jobs.JOBS:
        jobs.hurry(failure.job)
    messages.success(request, _("It is being tried again. Look here in a minute: what works out leaves the list."))
    return redirect("failure-list")
