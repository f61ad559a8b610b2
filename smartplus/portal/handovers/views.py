"""Handing a site over: offering it, the page that both sides see, and the answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Conflict
from accounts.scope import RESELLERS, Role
from communities.models import Site
from smartplus import access, jobs
from smartplus.portal.handovers import rows
from smartplus.portal.handovers.forms import AcceptForm, OfferForm, RefusalForm
from smartplus.portal.kit import responses
from smartplus.portal.kit import support_view as support
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.sites.site_context import site_context, visible_site
from smartplus.statuses import CONFLICT, UNPROCESSABLE
from subscriptions import handover as dry_runs
from subscriptions.actions import handing_over, handovers
from subscriptions.models import Handover

READERS = (*PAYERS, Role.OPERATOR)


@access.roles(*PAYERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def site_handover(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Offer the site to another installer; leads to the offer that is open."""
    site = visible_site(request, site_id)
    is_open = Handover.objects.visible_to(request.actor).filter(site=site).open_at(request.now).first()
    if is_open is not None and request.method != "POST":
        return redirect("handover-detail", is_open.pk)
    is_chosen = request.actor.role in RESELLERS
    form = OfferForm(responses.posted(request), takers=handovers.takers(request.actor, site), is_chosen=is_chosen)

    def act() -> Handover:
        return handovers.ask(
            request.actor,
            site_id=site_id,
            to_id=form.to_id,
            to_name=form.named,
            note=form.cleaned_data["note"],
            now=request.now,
        )

    offered = responses.submitted(form, act)
    if offered is None:
        context = {
            **site_context(request, site, "handover"),
            "run": dry_runs.dry_run(site, request.now),
            "obstacles": dry_runs.obstacles(request.actor, site),
            "days": handovers.VALID.days,
            "has_takers": not is_chosen or handovers.takers(request.actor, site).exists(),
        }
        return responses.answer(request, "handovers/new.html", form, context)
    jobs.hurry("mail")
    messages.success(request, _("Offered to %(firm)s. Until it accepts nothing changes.") % {"firm": offered.taker})
    return made(redirect("handover-detail", offered.pk), offered)


@access.roles(*READERS)
@require_safe
def handover_detail(request: access.PortalRequest, handover_id: int) -> HttpResponse:
    """One handover: what goes along, what ends, and the possible answers."""
    return _show(request, _visible(request, handover_id))


def _visible(request: access.PortalRequest, handover_id: int) -> Handover:
    seen = Handover.objects.visible_to(request.actor).select_related("site", "giver", "taker", "asker", "asked_by")
    return seen.get(pk=handover_id)


def _show(
    request: access.PortalRequest,
    found: Handover,
    *,
    accepting: AcceptForm | None = None,
    refusing: RefusalForm | None = None,
    outdated: str = "",
) -> HttpResponse:
    """The page; what the other firm's people are called is not on it."""
    actor, now = request.actor, request.now
    support.record_view(request, found, tenant=found.giver)
    is_open, may_answer = found.is_open(now), handovers.may_answer(actor, found)
    sees_site = Site.objects.visible_to(actor).filter(pk=found.site_id).exists()
    run = dry_runs.dry_run(found.site, now) if is_open and (may_answer or sees_site) else None
    if run is not None and may_answer and accepting is None:
        accepting = _accept_form(request, found)
    context: dict[str, Any] = {
        "handover": found,
        "area": "sites",
        "section": "handovers",
        "tone": rows.tone_of(found, now),
        "state": rows.state_of(found, now),
        "is_open": is_open,
        "is_taker": actor.organization_id == found.taker_id,
        "is_giver": actor.organization_id == found.giver_id,
        "sees_site": sees_site,
        "may_answer": is_open and may_answer,
        "may_withdraw": is_open and sees_site and handovers.may_ask(actor, found.site),
        "may_print": actor.role is Role.INSTALLER and sees_site,
        "run": run,
        "paid": run.paid if run else (),
        "taken": run.taken if run else dry_runs.labelled(found.counts, dry_runs.TAKEN),
        "ended": run.ended if run else dry_runs.labelled(found.counts, dry_runs.ENDED),
        "obstacles": dry_runs.obstacles(actor, found.site) if run else (),
        "accepting": accepting,
        "refusing": refusing or RefusalForm(label_suffix=""),
        "outdated": outdated,
    }
    wrong = any(form is not None and form.errors for form in (accepting, refusing))
    status = CONFLICT if outdated else UNPROCESSABLE if wrong else 200
    return render(request, "handovers/detail.html", context, status=status)


def _accept_form(request: access.PortalRequest, found: Handover, *, is_sent: bool = False) -> AcceptForm:
    clashes = dry_runs.has_same_name(found.site, found.taker_id, found.site.name)
    return AcceptForm(request.POST if is_sent else None, clashes=clashes, name=found.site.name)


@access.roles(Role.INSTALLER)
@require_POST
@once
def handover_accept(request: access.PortalRequest, handover_id: int) -> HttpResponse:
    """Take the site over, as the page showed it; where the site changed since, the page comes again."""
    found = _visible(request, handover_id)
    form = _accept_form(request, found, is_sent=True)

    def act() -> Handover:
        return handing_over.accept(
            request.actor,
            handover_id=handover_id,
            digest=request.POST.get("digest", ""),
            name=form.cleaned_data.get("name", ""),
            now=request.now,
        )

    done = responses.submitted(form, act, also=(Conflict,))
    if form.outdated:
        return _show(request, found, outdated=form.outdated)
    if done is None:
        return _show(request, found, accepting=form)
    jobs.hurry("mail")
    messages.success(request, _("%(site)s is your site now. Choose who looks after it.") % {"site": done.site.name})
    return made(redirect("site-detail", done.site_id), done)


@access.roles(Role.INSTALLER)
@require_POST
def handover_refuse(request: access.PortalRequest, handover_id: int) -> HttpResponse:
    """Refuse, with a reason."""
    found = _visible(request, handover_id)
    form = RefusalForm(request.POST, label_suffix="")

    def act() -> Handover:
        return handovers.refuse(
            request.actor, handover_id=handover_id, reason=form.cleaned_data["reason"], now=request.now
        )

    if responses.submitted(form, act) is None:
        return _show(request, found, refusing=form)
    jobs.hurry("mail")
    messages.success(request, _("Refused. The other firm is told why."))
    return redirect("handover-detail", handover_id)


@access.roles(*PAYERS)
@require_POST
@refused_at("handover-detail")
def handover_withdraw(request: access.PortalRequest, handover_id: int) -> HttpResponse:
    """Withdraw the offer."""
    handovers.withdraw(request.actor, handover_id=handover_id, now=request.now)
    jobs.hurry("mail")
    messages.success(request, _("Withdrawn. The site stays where it is."))
    return redirect("handover-detail", handover_id)
