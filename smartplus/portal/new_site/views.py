"""Add Community Site (S1): five steps, saved as a draft, and one button that creates everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.scope import Role
from communities.actions import drafts
from communities.models import SiteDraft, Step
from devices import actions
from smartplus import access, form_tokens
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.responses import posted, refill
from smartplus.portal.kit.structure_forms import blank
from smartplus.portal.new_site import steps
from smartplus.portal.new_site.checks import ReviewForm, checked_grid, problems_at
from smartplus.portal.new_site.forms import BASICS, BasicsForm, MonitorsForm, typed_of
from smartplus.portal.new_site.plans import Plan, is_free
from smartplus.portal.new_site.prices import prices_of
from smartplus.statuses import UNPROCESSABLE

TEMPLATES = {step: f"new_site/{step}.html" for step in Step}


def visible_draft(request: access.PortalRequest, draft_id: int) -> SiteDraft:
    """The draft, if it is the own installer's."""
    return SiteDraft.objects.visible_to(request.actor).get(pk=draft_id)


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def site_new(request: access.PortalRequest) -> HttpResponse:
    """The first step of a new draft."""
    if request.method != "POST":
        form = BasicsForm(label_suffix="")
        refill(request, form)
        return _first_page(request, form)
    form = BasicsForm(request.POST, label_suffix="")
    is_later = request.POST.get("go") == "later"
    if not is_later and not is_free(form, request.actor.organization_id):
        return _first_page(request, form, status=UNPROCESSABLE)
    draft = drafts.start_draft(
        request.actor,
        parts={"basics": typed_of(request.POST.dict(), BASICS), "buildings": [blank([])]},
        step=Step.BASICS if is_later else Step.STRUCTURE,
        now=request.now,
    )
    return made(_later(request, draft) if is_later else redirect("draft-structure", draft.pk), draft)


def _first_page(request: access.PortalRequest, form: BasicsForm, status: int = 200) -> HttpResponse:
    plan = Plan(SiteDraft(data={}))
    context = {"form": form, "step": Step.BASICS, "stops": steps.stops(plan, Step.BASICS), "area": "sites"}
    return render(request, TEMPLATES[Step.BASICS], context, status=status)


@access.roles(Role.INSTALLER)
@require_safe
def draft_continue(request: access.PortalRequest, draft_id: int) -> HttpResponse:
    """Go on where the draft was left."""
    draft = visible_draft(request, draft_id)
    return redirect(f"draft-{draft.step}", draft.pk)


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
def draft_step(request: access.PortalRequest, draft_id: int, step: Step) -> HttpResponse:
    """Show a step, or save it and go to another one; what is wrong is said before one goes on."""
    draft = visible_draft(request, draft_id)
    if request.method != "POST":
        return _page(request, Plan(draft, shows_errors="problems" in request.GET), step)
    parts = steps.parts_of(request.POST, Plan(draft), step)
    plan = steps.after(draft, parts)
    go = "" if {"do", "use", "show"} & set(request.POST) else request.POST.get("go", "next")
    is_ready = go == "next" and steps.is_ready(plan, step)
    onward = steps.neighbour(step, -1) if go == "back" else steps.neighbour(step, 1) if is_ready else step
    draft = drafts.save_draft(
        request.actor,
        draft_id=draft.pk,
        parts=parts,
        step=onward,
        apartments=len(plan.flats),
        form=_form(request),
        now=request.now,
    )
    if go == "later":
        return _later(request, draft)
    if go == "next" and not is_ready:
        return _page(request, plan, step, status=UNPROCESSABLE)
    return redirect(_address(request, draft, onward, go))


def _form(request: access.PortalRequest) -> str:
    """What tells the form of a page from that of another one."""
    return request.POST.get(form_tokens.FIELD, "")[:200]


def _address(request: access.PortalRequest, draft: SiteDraft, step: Step, go: str) -> str:
    """Where a form leads: to a step, to a page of its grid, or to the place of the small button that was pressed."""
    url = reverse(f"draft-{step}", args=[draft.pk])
    if go.startswith("page:") and go[5:].isdecimal():
        return f"{url}?page={go[5:8]}"
    page = request.GET.get("page", "")
    url += f"?page={page}" if page.isdecimal() and step is Step.DEVICES and not go else ""
    do, _colon, one = request.POST.get("do", "").partition(":")
    if do == "add":
        one = str(draft.data["buildings"][-1]["id"])
    at = one.partition(":")[0]
    return f"{url}#{at}" if do in {"add", "copy", "other", "regular"} and at else url


def _later(request: access.PortalRequest, draft: SiteDraft) -> HttpResponse:
    messages.success(request, _("%(site)s is saved as a draft.") % {"site": draft})
    return redirect("site-draft-list")


@access.roles(Role.INSTALLER)
@require_POST
def draft_preview(request: access.PortalRequest, draft_id: int, step: Step) -> HttpResponse:
    """Save a step while it is filled in, and answer with what follows from it: the façades, the checks of MACs, the price."""
    draft = visible_draft(request, draft_id)
    parts = steps.parts_of(request.POST, Plan(draft), step)
    draft = drafts.save_draft(
        request.actor, draft_id=draft.pk, parts=parts, step=step,
        apartments=len(steps.after(draft, parts).flats), form=_form(request), in_passing=True, now=request.now,
    )  # fmt: skip
    return render(request, "new_site/preview.html", _context(request, Plan(draft), step))


def _page(request: access.PortalRequest, plan: Plan, step: Step, status: int = 200) -> HttpResponse:
    return render(request, TEMPLATES[step], _context(request, plan, step), status=status)


def _context(request: access.PortalRequest, plan: Plan, step: Step) -> Mapping[str, Any]:
    """What a step shows."""
    found: dict[str, Any] = {
        "draft": plan.draft,
        "plan": plan,
        "step": step,
        "stops": steps.stops(plan, step),
        "back": steps.neighbour(step, -1) if step is not Step.BASICS else None,
        "next": steps.neighbour(step, 1),
        "prices": prices_of(request, plan) if step is not Step.BASICS else None,
        "area": "sites",
        "n_apartments": len(plan.flats),
    }
    if step is Step.BASICS:
        found["form"] = plan.basics
    elif step is Step.STRUCTURE:
        items = list(plan.structure.problems()) if any(row.shows_errors for row in plan.structure.buildings) else []
        found |= {"structure": plan.structure, "summary": {"general": [], "items": items, "count": len(items)}}
    elif step is Step.SERVICES:
        found["form"] = plan.services
    elif step is Step.DEVICES:
        found |= _devices(request, plan)
    return found


def _devices(request: access.PortalRequest, plan: Plan) -> Mapping[str, Any]:
    page = steps.page_asked(request.GET, plan)
    grid = checked_grid(request.actor, plan, page)
    needed = plan.requiring
    form = MonitorsForm(initial={"default_name": plan.default_name, "may_wait": plan.may_wait}, label_suffix="")
    return {
        "form": form,
        "grid": grid,
        "page": page,
        "page_before": page - 1,
        "page_after": page + 1 if page < plan.pages else 0,
        "needed": len(needed),
        "entered": len(needed & set(plan.monitors)),
    }


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
@once
@refused_at("draft-review")
def draft_review(request: access.PortalRequest, draft_id: int) -> HttpResponse:
    """What will be created, and what stands against it; the button creates everything in one transaction."""
    draft = visible_draft(request, draft_id)
    plan, form = Plan(draft, shows_errors=True), ReviewForm(posted(request))
    if form.is_valid() and (new := plan.new_site):
        site = actions.create_site(
            request.actor, draft_id=draft.pk, version=form.cleaned_data["version"], new=new, now=request.now
        )
        n = len(plan.flats)
        words = ngettext("%(site)s is created with %(n)s apartment.", "%(site)s is created with %(n)s apartments.", n)
        messages.success(request, words % {"site": site.name, "n": n})
        return made(redirect("site-detail", site.pk), site)
    context = {**_context(request, plan, Step.REVIEW), "problems": problems_at(request.actor, plan)}
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, TEMPLATES[Step.REVIEW], context, status=status)


@access.roles(Role.INSTALLER)
@require_POST
@refused_at(lambda _request: reverse("site-draft-list"))
def draft_delete(request: access.PortalRequest, draft_id: int) -> HttpResponse:
    """Delete a draft."""
    draft = visible_draft(request, draft_id)
    drafts.delete_draft(request.actor, draft_id=draft.pk, now=request.now)
    messages.success(request, _("The draft of %(site)s is deleted.") % {"site": draft})
    return redirect("site-draft-list")


@access.roles(Role.INSTALLER)
@require_POST
@once
@refused_at("site-detail")
def site_copy(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Begin a draft with the services and the structure of a site."""
    draft = drafts.copy_site(request.actor, site_id=site_id, now=request.now)
    messages.success(
        request,
        _("Services and structure of %(site)s are copied. People, devices and paid time stay there.")
        % {"site": draft.data["source"]},
    )
    return made(redirect("draft-basics", draft.pk), draft)
