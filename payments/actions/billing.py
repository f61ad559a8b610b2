"""Writing billing information."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import Actor, Grant
from accounts.typed import mail, postal, text
from payments.models import BillingProfile
from payments.models.billing import FIELDS, REQUIRED

BILLING_CREATED = audit.Word(
    "billing.created", gettext_lazy("Billing information entered"), area=audit.Area.ORDERS, saves=True
)
BILLING_CHANGED = audit.Word(
    "billing.changed", gettext_lazy("Billing information changed"), area=audit.Area.ORDERS, saves=True
)


def may_save_billing(actor: Actor) -> bool:
    """Whether the actor changes billing information at all; a technician has no grants."""
    return Grant.MANAGES_SUBSCRIPTIONS in actor.grants


@transaction.atomic
def save_billing(
    actor: Actor, *, organization: Organization, now: datetime, version: int | None = None, **fields: str
) -> BillingProfile:
    """Save the billing information that invoices of `organization` are addressed to (R39). Fields that are not given keep their value.

    `version` is the version the form was filled from (None: there was none); Conflict if somebody else saved a different value since.
    Only members who manage subscriptions may do this, because they place the orders. Raises Refused at the field that is missing or
    wrong. The audit keeps the names of the changed fields, not the personal values.
    """
    if not may_save_billing(actor):
        raise NotPermitted(_("Only members who manage subscriptions change billing information."))
    owner = Organization.objects.visible_to(actor).get(pk=organization.pk)
    rows = BillingProfile.objects.select_for_update(of=("self",), no_key=True).filter(organization=owner)
    profile = rows.first()
    # the first time there is no profile row that could be locked, so the organization is locked
    if profile is None:
        list(Organization.objects.filter(pk=owner.pk).select_for_update(no_key=True).values_list("pk"))
        profile = rows.first()
    is_new = profile is None
    profile = profile or BillingProfile(organization=owner, version=0)
    if unknown := set(fields) - set(FIELDS):
        raise TypeError(f"no such fields: {sorted(unknown)}")
    before = profile.snapshot()
    for name, value in fields.items():
        typed = text.line(value)
        setattr(profile, name, mail.address(typed).shown if name == "email" and typed else typed)
    for name, value in postal.tidied(profile).items():
        setattr(profile, name, value)
    changed = [name for name in FIELDS if getattr(profile, name) != before[name]]
    if not changed and not is_new:  # the same form was sent twice: nothing to do
        return profile
    if (None if is_new else profile.version) != version:
        raise Conflict
    _refuse_invalid(profile, checks_address=is_new or not {*changed}.isdisjoint(postal.FIELDS))
    profile.version += 1
    profile.updated_at = now
    profile.save()
    word = BILLING_CREATED if is_new else BILLING_CHANGED
    audit.record(actor, word, profile, now=now, tenant=owner, after={"fields": changed}, label=str(owner))
    return profile


def _refuse_invalid(profile: BillingProfile, *, checks_address: bool) -> None:
    for name in REQUIRED:
        if not getattr(profile, name):
            raise Refused(_("Invoices need this."), field=name)
    if profile.country not in countries:
        raise Refused(_("This country is not known."), field="country")
    for name, message in postal.problems(profile).items() if checks_address else ():
        raise Refused(message, field=name)
    try:
        profile.clean_fields(exclude=["organization", "updated_at", "version"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Refused(messages[0], field=name) from error
