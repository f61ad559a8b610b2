"""Set-up: what is missing before money flows, what is in order, and what works now."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import mail_state
from accounts.actions.known_logins import deactivate_logins
from accounts.scope import Role
from payments import actions as payment_actions
from smartplus import access, demo, jobs, setup
from smartplus.portal.kit.errors import refused_at
from smartplus.setup import State


@access.roles(Role.OPERATOR)
@require_safe
def setup_list(request: access.PortalRequest) -> HttpResponse:
    """Blocking findings first, then what can wait, then what is in order. `check --deploy` and `/readyz` read the same list."""
    found = setup.look(request.now)
    by_state = {state: [finding for finding in found if finding.state == state] for state in State}
    dangers = {question.key for question in setup.QUESTIONS if question.stops}
    context = {
        "todo": by_state[State.BLOCKS] + by_state[State.WAITS],
        "blocking": len(by_state[State.BLOCKS]),
        "waiting": len(by_state[State.WAITS]),
        "in_order": by_state[State.OK],
        "works": setup.works(found),
        "stopped_by": [finding for finding in by_state[State.BLOCKS] if finding.area in dangers | {"background"}],
    }
    return render(request, "setup/list.html", context)


@access.roles(Role.OPERATOR)
@require_POST
def again(request: access.PortalRequest) -> HttpResponse:
    """Ask the gateways about our keys now; all other questions are asked at every view."""
    payment_actions.ask_all(now=request.now)
    messages.success(request, _("Checked again."))
    return redirect("setup")


@access.roles(Role.OPERATOR)
@require_POST
@refused_at("setup")
def deactivate(request: access.PortalRequest) -> HttpResponse:
    """Deactivate the demo's logins in every firm."""
    count = deactivate_logins(request.actor, addresses=demo.ADDRESSES, now=request.now)
    words = ngettext("%(n)s demo login can't sign in any more.", "%(n)s demo logins can't sign in any more.", count)
    messages.success(request, words % {"n": count})
    return redirect("setup")


@access.roles(Role.OPERATOR)
@require_POST
def test_mail(request: access.PortalRequest) -> HttpResponse:
    """Send a test mail to oneself, through the outbox."""
    mail_state.send_test(request.actor, request.user, now=request.now)
    jobs.hurry("mail")
    messages.success(request, _("A mail to %(email)s is on its way.") % {"email": request.user.email})
    return redirect("setup")
