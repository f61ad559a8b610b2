"""Settings: billing information of the own organization (R39)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import Conflict, Refused
from accounts.models import Organization
from accounts.scope import Role
from payments import actions
from payments.models import BillingProfile
from smartplus import access
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import conflict, refill
from smartplus.portal.subscription.forms import BillingForm


@access.roles(Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
@require_http_methods(["GET", "POST"])
def billing(request: access.PortalRequest) -> HttpResponse:
    """Show whom invoices are made out to, and change it for who manages subscriptions; past orders keep what they had."""
    form, may_change = (
        BillingForm(request.POST or None, instance=own_profile(request)),
        actions.may_save_billing(request.actor),
    )
    for field in form.fields.values():
        field.disabled = not may_change
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_billing(
                request.actor,
                organization=Organization.objects.visible_to(request.actor).get(pk=request.actor.organization_id),
                version=form.cleaned_data["version"],
                now=request.now,
                **form.values(),
            )
        except Conflict:
            fresh, told = clash(request, form)
            return conflict(request, "billing/information.html", fresh, {"may_change": may_change}, told)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(request, _("Billing information is saved. It is used from the next order on."))
            return redirect("settings-billing")
    context = {"form": form, "may_change": may_change}
    refill(request, form)
    return render(request, "billing/information.html", context, status=422 if form.errors else 200)


def own_profile(request: access.PortalRequest) -> BillingProfile | None:
    """The billing information of the organization one works for, None before the first."""
    return (
        BillingProfile.objects.visible_to(request.actor).filter(organization_id=request.actor.organization_id).first()
    )


def clash(request: access.PortalRequest, sent: BillingForm) -> tuple[BillingForm, conflicts.Clash]:
    """Both inputs in one form, after a colleague saved first; here and at the checkout."""
    profile = own_profile(request)
    assert profile is not None  # rows are never deleted, and there was nothing to clash with before
    fresh = BillingForm(instance=profile)
    return fresh, conflicts.clash(request, conflicts.about(profile), (sent, fresh))
