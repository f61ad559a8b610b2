"""Settings: billing information of the own organization (R39)."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Organization
from accounts.scope import Role
from payments import actions
from payments.models import BillingProfile
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.kit.billing import BillingForm, own_profile


@access.roles(Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
def billing(request: access.PortalRequest) -> HttpResponse:
    """Show whom invoices are made out to, and change it for who manages subscriptions; past orders keep what they had."""
    may_change = actions.may_save_billing(request.actor)

    def form_of(profile: BillingProfile | None, sent: QueryDict | None) -> BillingForm:
        form = BillingForm(sent, instance=profile)
        for field in form.fields.values():
            field.disabled = not may_change
        return form

    return edits.edit(
        request,
        "billing/information.html",
        edits.Edit(
            row=lambda: own_profile(request),
            form=form_of,
            act=lambda form: actions.save_billing(
                request.actor,
                organization=Organization.objects.visible_to(request.actor).get(pk=request.actor.organization_id),
                version=form.cleaned_data["version"],
                now=request.now,
                **form.values(),
            ),
            context=lambda _profile, _form: {"may_change": may_change},
            said=lambda _saved, _form: _("Billing information is saved. It is used from the next order on."),
            to=lambda _saved: reverse("settings-billing"),
        ),
    )
