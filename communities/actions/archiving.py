"""What was paid for is archived and never deleted, and nothing leaves while an open order holds it (R78)."""

from __future__ import annotations

from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from accounts.errors import Refused
from communities import catalogue
from communities.models import CommercialAccount, Entitlement, Equipment, Site, Target


def refuse_reserved(owner: Equipment | CommercialAccount) -> None:
    """Refuse while an item of it is in an open order."""
    if Entitlement.objects.filter(target=owner.target_id).exclude(reserved_by=None).exists():
        raise Refused(
            _("%(what)s is in an open order. Wait until it is paid, or let its payer cancel it.") % {"what": owner}
        )


def refuse_reserved_slots(site: Site) -> None:
    """Refuse a change after which an open order would hold a slot of the site that is not billed any more."""
    rows = Entitlement.objects.filter(site=site, variant="", target__kind__in=_slots_of_site()).exclude(
        reserved_by=None
    )
    if rows.exists():
        raise Refused(_("All doors are in an open order. Wait until it is paid, or let its payer cancel it."))


def delete_unpaid(owner: Equipment | CommercialAccount) -> None:
    """Delete it with its target and what was never paid of it. Refuses what was paid once, and what an order or a request names."""
    target = owner.target_id
    items = Entitlement.objects.filter(target=target)
    if target is not None and items.exclude(expires_at=None).exists():
        raise Refused(_("%(what)s has paid time, which would be lost. Archive it instead.") % {"what": owner})
    try:
        if target is not None:
            items.delete()
        owner.delete()
        if target is not None:
            Target.objects.filter(pk=target).delete()
    except ProtectedError:
        raise Refused(_("%(what)s stands in an order. Archive it instead.") % {"what": owner}) from None


def _slots_of_site() -> list[str]:
    return [kind.value for kind, parent in catalogue.SLOTS.items() if parent is catalogue.Target.SITE]
