"""What deactivating a firm stops and what continues, in numbers; for the page that asks for confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, Invitation, Kind, Membership, Organization
from accounts.scope import Actor
from communities.models import Entitlement, Site
from subscriptions.models import AutoRenewal, Order, RenewalRequest

Counted = tuple[Promise, int]


@dataclass(frozen=True, slots=True)
class Closing:
    """Two lists of (what, how many); entries with 0 are left out."""

    stops: list[Counted]
    goes_on: list[Counted]


def closing(actor: Actor, firm: Organization, *, now: datetime) -> Closing:
    """The effects of deactivating this firm, as far as the actor may see them. Ten counts."""
    people = Membership.objects.visible_to(actor).filter(organization=firm)
    tokens = ApiToken.objects.usable(now).filter(membership__in=people)
    renewals = AutoRenewal.objects.visible_to(actor).filter(state=AutoRenewal.State.ACTIVE)
    unpaid = Order.objects.visible_to(actor).filter(payer=firm, state=Order.State.PROCESSING)
    stops: list[Counted] = [
        (_("People who can work for it"), people.usable().count()),
        (_("Invitations that can be taken up"), Invitation.objects.working(now).filter(membership__in=people).count()),
        (_("API tokens that answer"), tokens.count()),
        (_("Auto-renewals it pays: they stop at their next charge"), renewals.filter(payer=firm).count()),
        (_("Orders it has not paid yet: they are called off"), unpaid.count()),
    ]
    below = Organization.objects.visible_to(actor).filter(path__startswith=firm.path, is_active=True)
    below = below.exclude(pk=firm.pk)
    theirs = Membership.objects.visible_to(actor).usable().filter(organization__in=below)
    goes_on: list[Counted] = [
        (_("Firms below it, which work as before"), below.count()),
        (_("People of these firms, who keep their sites"), theirs.count()),
    ]
    if firm.kind in {Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR, Kind.INSTALLER}:
        paid = Entitlement.objects.visible_to(actor).filter(**{firm.kind: firm}).in_force(now)
        goes_on += [
            (_("Sites"), Site.objects.visible_to(actor).filter(**{firm.kind: firm}).count()),
            (_("Paid services: they run to the end of their paid time"), paid.count()),
            (
                _("Auto-renewals that others pay for it"),
                renewals.filter(installer__path__startswith=firm.path).exclude(payer=firm).count(),
            ),
        ]
    if firm.kind == Kind.INSTALLER:
        waiting = RenewalRequest.objects.visible_to(actor).filter(installer=firm, state=RenewalRequest.State.OPEN)
        stops.append((_("Requests of it that wait: nobody can approve them meanwhile"), waiting.count()))
    return Closing(*([(label, n) for label, n in rows if n] for rows in (stops, goes_on)))
