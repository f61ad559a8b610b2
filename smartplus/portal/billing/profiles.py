"""The own billing information, for its page and for the checkout."""

from __future__ import annotations

from payments.models import BillingProfile
from smartplus import access
from smartplus.portal.kit import conflicts
from smartplus.portal.subscription.forms import BillingForm


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
