"""Users: the lists, adding a firm or a person, one person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions
from accounts.actions import addresses, firms, members, two_factor
from accounts.models import Kind, Membership, Organization
from accounts.scope import Role
from communities.actions import assignments
from communities.models import Site
from smartplus import access, jobs
from smartplus.portal.kit import conflicts, edits
from smartplus.portal.kit import support_view as support
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made as made_once
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.users import queries as user_lists
from smartplus.portal.users.forms import NewFirmForm, PermissionsForm, PersonForm, RightsForm
from smartplus.portal.users.queries import PEOPLE, TECHNICIANS, Person
from smartplus.portal.users.sites import SitesForm

MANAGERS_OF_PEOPLE = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
COLLEAGUE, TECHNICIAN = "colleague", "technician"
NEW_BY_TAB = {PEOPLE: COLLEAGUE, TECHNICIANS: TECHNICIAN}


@access.roles(*MANAGERS_OF_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def user_new(request: access.PortalRequest) -> HttpResponse:
    """Add a firm with its first administrator, or a colleague or technician of the own firm (R2); `?kind=` says which."""
    kind = request.GET.get("kind", "")
    if kind in NEW_BY_TAB.values():
        is_technician = kind == TECHNICIAN
        own = Organization.objects.visible_to(request.actor).get(pk=request.actor.organization_id)
        if not actions.may_add_people(request.actor, own, is_technician=is_technician):
            raise Organization.DoesNotExist
        return person_new(request, organization_id=own.pk, is_technician=is_technician)
    if kind not in actions.MAY_CREATE.get(request.actor.role, ()):
        raise Organization.DoesNotExist
    sent = posted(request)
    may = PermissionsForm(sent, actor=request.actor) if kind == Kind.INSTALLER else None

    def act(form: NewFirmForm) -> Organization:
        added = firms.add_firm(
            request.actor,
            kind=kind,
            parent=form.cleaned_data["parent"],
            person=form.person.cleaned_data,
            now=request.now,
            **{**form.basics, **form.more, **(may.cleaned_data if may else {})},
        )
        jobs.hurry("mail")
        return added

    return edits.add(
        request,
        "users/firm_new.html",
        form=NewFirmForm(sent, actor=request.actor, kind=kind, person=PersonForm(sent), may=may),
        act=act,
        context=lambda form: {
            "person": form.person,
            "may": may,
            "kind": kind,
            "kind_label": user_lists.TAB_LABELS[kind],
            "price_list": actions.currency_below(request.actor, kind),
        },
        said=lambda saved, form: (
            _("%(firm)s is added, and the invitation to %(email)s is on its way.")
            % {"firm": saved.name, "email": form.person.cleaned_data["email"]}
        ),
        to=lambda saved: reverse("firm-detail", args=[saved.pk]),
    )


def person_new(
    request: access.PortalRequest, *, organization_id: int, is_technician: bool | None = None
) -> HttpResponse:
    """Invite a further person into a firm."""
    firm = Organization.objects.visible_to(request.actor).get(pk=organization_id)
    members.refuse_adding(request.actor, firm, is_technician=False)
    sent = posted(request)
    rights = RightsForm(sent, actor=request.actor, firm=firm, is_technician=is_technician)

    def act(form: PersonForm) -> Membership:
        invited = actions.invite(
            request.actor, organization_id=firm.pk, now=request.now, **form.cleaned_data, **rights.values
        )
        jobs.hurry("mail")
        return invited

    return edits.add(
        request,
        "users/person_new.html",
        form=PersonForm(sent, rights=rights),
        act=act,
        context=lambda _form: {
            "firm": firm,
            "rights": rights,
            "is_own": firm.pk == request.actor.organization_id,
        },
        said=lambda _saved, form: (
            _("The invitation to %(email)s is on its way.") % {"email": form.cleaned_data["email"]}
        ),
        to=lambda saved: reverse("user-detail", args=[saved.pk]),
    )


@access.roles(*MANAGERS_OF_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def user_detail(request: access.PortalRequest, membership_id: int) -> HttpResponse:
    """One person: state in the firm, permissions, sites, and the mails about it."""

    def said(saved: Membership, form: RightsForm) -> str:
        words = _("What %(name)s may do is saved.")
        if form.initial["is_technician"] == "yes" and not saved.is_technician:
            words = _("%(name)s is a colleague now and sees nothing of money yet. Choose what else %(name)s may do.")
        return words % {"name": saved.known_as}

    return edits.edit(
        request,
        "users/person.html",
        edits.Edit(
            row=lambda: visible_person(request, membership_id),
            form=lambda known, sent: _rights_form(request, known, sent),
            act=lambda form: actions.edit_member(
                request.actor,
                membership_id=membership_id,
                version=edits.version_of(form),
                now=request.now,
                **form.values,
            ),
            saved_by=lambda known: conflicts.about(known.membership),
            context=lambda known, form: {
                **_person_context(request, known),
                "rights": form,
                "sites": _sites_of(request, known.membership),
            },
            said=said,
            to=lambda saved: reverse("user-detail", args=[saved.pk]),
        ),
    )


def visible_person(request: access.PortalRequest, membership_id: int) -> Person:
    """The member, if the actor sees it, as its firm knows it."""
    people = user_lists.with_invitation(Membership.objects.visible_to(request.actor), request.now)
    return user_lists.people_of([people.get(pk=membership_id)], request.now)[0]


def _rights_form(request: access.PortalRequest, known: Person, sent: QueryDict | None) -> RightsForm:
    person = known.membership
    return RightsForm(sent, actor=request.actor, firm=person.organization, membership=person)


def _person_context(request: access.PortalRequest, known: Person) -> dict[str, Any]:
    """What the page of a person shows around its form."""
    person = known.membership
    label = f"{known.name} ({person.organization})"
    support.record_view(request, person, tenant=person.organization, label=label)
    return {
        "person": person,
        "known": known,
        "firm": person.organization,
        "is_own": person.organization_id == request.actor.organization_id,
        "is_self": person.user_id == request.actor.user_id,
        # not of who works for firms of others too
        "pending": None
        if addresses.why_not(request.actor, person)
        else addresses.pending_address(person.user, now=request.now),
    }


def _sites_of(request: access.PortalRequest, person: Membership) -> SitesForm | None:
    """The form of the person's sites; None where there is nothing to choose."""
    assigned = assignments.sites_of(request.actor, person)
    return None if assigned is None else _sites_form(request, person, assigned)


def _sites_form(
    request: access.PortalRequest,
    person: Membership,
    assigned: set[int],
    data: QueryDict | None = None,
    *,
    sent_before: QueryDict | None = None,
) -> SitesForm:
    """The tick boxes of the installer's sites for its manager or technician, with those `assigned` ticked."""
    seen = Site.objects.visible_to(request.actor).only("name", "name_order", "city", "state", "country")
    home = reverse("user-detail", args=[person.pk])
    return SitesForm(data, seen=seen, assigned=assigned, home=home, query=request.GET, sent_before=sent_before)


@access.roles(Role.INSTALLER)
@require_POST
def user_sites(request: access.PortalRequest, membership_id: int) -> HttpResponse:
    """Let a manager or technician look after exactly the ticked sites (DOMAIN §1, R3). With `find` the form comes back with those that were
    searched for, and nothing is saved."""

    def form_of(known: Person, sent: QueryDict | None = None, sent_before: QueryDict | None = None) -> SitesForm:
        assigned = assignments.chosen_sites_of(request.actor, known.membership)
        return _sites_form(request, known.membership, assigned, sent, sent_before=sent_before)

    def saved_by(known: Person) -> Q:
        """Who set the people of the sites that are ticked otherwise now than the page says."""
        sent = form_of(known, request.POST)
        set_at_sites = Q(
            action__in=[assignments.MANAGERS_SET.code, assignments.TECHNICIANS_SET.code], subject_type="site"
        )
        return set_at_sites & Q(subject_id__in=(sent.seen_ids or set()) ^ sent.assigned)

    return edits.edit(
        request,
        "users/person.html",
        edits.Edit(
            row=lambda: visible_person(request, membership_id),
            form=form_of,
            asks=lambda form: form if form.is_searching else None,
            act=lambda form: assignments.set_sites_of(
                request.actor,
                membership_id=membership_id,
                site_ids=form.site_ids,
                seen_ids=form.seen_ids,
                now=request.now,
            ),
            fresh=lambda known: form_of(known, sent_before=request.POST),
            saved_by=saved_by,
            context=lambda known, form: {
                **_person_context(request, known),
                "rights": _rights_form(request, known, None),
                "sites": form,
            },
            said=lambda saved, _form: _("The sites of %(name)s are saved.") % {"name": saved.known_as},
            to=lambda saved: reverse("user-detail", args=[saved.pk]),
        ),
    )


@access.roles(*MANAGERS_OF_PEOPLE)
@require_POST
@refused_at("user-detail")
def user_activity(request: access.PortalRequest, membership_id: int) -> HttpResponse:
    """Deactivate or reactivate a person in its firm: `active` is "yes" or "no"."""
    known, is_active = visible_person(request, membership_id), request.POST.get("active") == "yes"
    said = (
        _("%(name)s can sign in for %(firm)s again.")
        if is_active
        else _("%(name)s no longer works for %(firm)s: the next click there is refused.")
    )
    actions.set_member_active(request.actor, membership_id=membership_id, is_active=is_active, now=request.now)
    messages.success(request, said % {"name": known.name, "firm": known.membership.organization})
    return redirect("user-detail", membership_id)


@access.roles(*MANAGERS_OF_PEOPLE)
@require_POST
@refused_at("user-detail")
def user_two_factor(request: access.PortalRequest, membership_id: int) -> HttpResponse:
    """Take the second factor off a person who lost it."""
    known = visible_person(request, membership_id)
    two_factor.reset_two_factor(request.actor, membership_id=membership_id, now=request.now)
    said = _("The second factor of %(name)s is gone, and every device is signed out.")
    messages.success(request, said % {"name": known.name})
    return redirect("user-detail", membership_id)


@access.roles(*MANAGERS_OF_PEOPLE)
@require_POST
@refused_at("user-detail")
@once
def user_invitation(request: access.PortalRequest, membership_id: int) -> HttpResponse:
    """Send the invitation again, or withdraw it: `do` is "resend" or "cancel"."""
    known = visible_person(request, membership_id)
    if request.POST.get("do") == "cancel":
        actions.cancel_invitation(request.actor, membership_id=membership_id, now=request.now)
        said = _("The invitation to %(email)s is withdrawn: its link does nothing any more.")
        messages.success(request, said % {"email": known.email})
        return redirect("user-list")
    actions.resend_invitation(request.actor, membership_id=membership_id, now=request.now)
    jobs.hurry("mail")
    said = _("A new invitation to %(email)s is on its way. The old link does nothing any more.")
    messages.success(request, said % {"email": known.email})
    return made_once(redirect("user-detail", membership_id), known.membership.invitations.first())
