"""Asking that a site goes to another installer of the same distributor, and the answers that leave it where it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import RESELLERS, Actor, Role
from accounts.typed import finding, text
from accounts.typed.keys import identity_key
from communities.actions.sites import lock_site
from communities.models import Site
from subscriptions import notices
from subscriptions.errors import HandoverClosed
from subscriptions.models import Handover

VALID = timedelta(days=14)  # to answer
ROOM = 500  # characters of a note or a reason
HANDOVERS = Actor.system(
    "handovers"
)  # what one side's audit says of the other's deeds: no person of the other firm is named
S = Handover.State
HANDOVER_ASKED = audit.Word(
    "handover.asked",
    gettext_lazy("Site offered to another installer"),
    gettext_lazy("%(what)s is offered to another installer"),
    area=audit.Area.PEOPLE,
)
HANDOVER_WITHDRAWN = audit.Word(
    "handover.withdrawn",
    gettext_lazy("Handover withdrawn"),
    gettext_lazy("The handover of %(what)s is withdrawn"),
    area=audit.Area.PEOPLE,
)
HANDOVER_REFUSED = audit.Word(
    "handover.refused",
    gettext_lazy("Handover refused"),
    gettext_lazy("The handover of %(what)s is refused"),
    area=audit.Area.PEOPLE,
)


def may_ask(actor: Actor, site: Site) -> bool:
    """Whether the actor may ask that the site goes to another installer: its installer, and resellers above it."""
    return actor.role in RESELLERS or (actor.role is Role.INSTALLER and site.installer_id == actor.organization_id)


def takers(actor: Actor, site: Site) -> QuerySet[Organization]:
    """The installers that a reseller may choose: those below it and of the site's distributor. An installer sees none, it names one (R1)."""
    if actor.role not in RESELLERS:
        return Organization.objects.none()
    return _others(site).filter(pk__in=Organization.objects.visible_to(actor).values("pk")).order_by("name_order", "pk")


def _others(site: Site) -> QuerySet[Organization]:
    active = Organization.objects.installers().filter(is_active=True, distributor_id=site.distributor_id)
    return active.exclude(pk=site.installer_id)


@transaction.atomic
def ask(
    actor: Actor, *, site_id: int, now: datetime, to_id: int | None = None, to_name: str = "", note: str = ""
) -> Handover:
    """Ask another installer of the same distributor to take the site over; it has fourteen days to answer.

    A reseller above the site names the installer by `to_id`, the site's installer by `to_name`, since it sees no other firm. Refuses a
    name that no installer of the distributor has, and a site that is offered already. Mails the installer that is asked, and the site's
    installer where somebody else asks. Audited on both sides. Locks the site.
    """
    if actor.role not in {*RESELLERS, Role.INSTALLER}:
        raise NotPermitted
    site = lock_site(actor, site_id)
    if not may_ask(actor, site):
        raise NotPermitted
    taker = takers(actor, site).get(pk=to_id or 0) if actor.role in RESELLERS else _named(site, to_name)
    note = text.block(note).strip()
    if len(note) > ROOM:
        raise Refused(_("The note has room for %(n)s characters.") % {"n": ROOM}, field="note")
    asked = Handover.objects.filter(site=site, state=S.ASKED).select_related("taker").first()
    if asked is not None and asked.is_open(now):
        raise Refused(_("This site is offered to %(firm)s already. Withdraw that first.") % {"firm": asked.taker})
    if asked is not None:  # nobody answered in time
        Handover.objects.filter(pk=asked.pk).update(state=S.WITHDRAWN, decided_at=asked.expires_at)
    handover = Handover.objects.create(
        site=site,
        distributor_id=site.distributor_id,
        giver_id=site.installer_id,
        taker=taker,
        site_name=site.name,
        site_city=site.city,
        note=note,
        asked_by_id=actor.user_id,
        asker_id=actor.organization_id,
        asked_at=now,
        expires_at=now + VALID,
    )
    _record_on_both_sides(actor, HANDOVER_ASKED, handover, now=now, after={"installer_id": taker.pk})
    notices.handover_asked(handover, now=now)
    return handover


def _named(site: Site, name: str) -> Organization:
    """The installer of the same distributor with this name."""
    key = identity_key(text.line(name))
    if not key:
        raise Refused(_("Which installer takes it over?"), field="to_name")
    alike = _others(site).filter(finding.matching(name, "search_key"))
    found = [firm for firm in alike if identity_key(firm.name) == key]
    if len(found) > 1:
        raise Refused(
            _("Several installers have this name. Your distributor can hand the site over for you."), field="to_name"
        )
    if not found:
        raise Refused(
            _("No other installer of your distributor has this name. Write it as the firm writes it in SmartPlus."),
            field="to_name",
        )
    return found[0]


@transaction.atomic
def withdraw(actor: Actor, *, handover_id: int, now: datetime) -> Handover:
    """Take the question back, as the site's installer or as a reseller above the site, also where another of them asked. Refuses what is
    answered or expired. Locks the site."""
    handover = _lock(actor, handover_id)
    if not may_ask(actor, handover.site) or not Site.objects.visible_to(actor).filter(pk=handover.site_id).exists():
        raise NotPermitted
    refuse_closed(handover, now=now)
    _close(actor, handover, S.WITHDRAWN, now=now)
    _record_on_both_sides(actor, HANDOVER_WITHDRAWN, handover, now=now)
    notices.handover_closed(handover, by=actor, now=now)
    return handover


@transaction.atomic
def refuse(actor: Actor, *, handover_id: int, reason: str, now: datetime) -> Handover:
    """Refuse to take the site over, as the installer that was asked, with a reason that the other side reads. Refuses what is answered or
    expired. Locks the site."""
    handover = _lock(actor, handover_id)
    if not may_answer(actor, handover):
        raise NotPermitted
    reason = text.block(reason).strip()
    if not reason:
        raise Refused(_("Say why, so that the other firm knows what to do."), field="reason")
    if len(reason) > ROOM:
        raise Refused(_("The reason has room for %(n)s characters.") % {"n": ROOM}, field="reason")
    refuse_closed(handover, now=now)
    _close(actor, handover, S.REFUSED, now=now, reason=reason)
    _record_on_both_sides(actor, HANDOVER_REFUSED, handover, now=now, after={"reason": reason})
    notices.handover_closed(handover, by=actor, now=now)
    return handover


def may_answer(actor: Actor, handover: Handover) -> bool:
    """Whether the actor accepts or refuses: a member, not a technician, of the installer that was asked."""
    return actor.role is Role.INSTALLER and handover.taker_id == actor.organization_id


def _lock(actor: Actor, handover_id: int) -> Handover:
    """The handover, if the actor sees it, with its site locked; the lock of the site is that of its handovers."""
    found = Handover.objects.visible_to(actor)
    site_id = found.values_list("site_id", flat=True).get(pk=handover_id)
    site = Site.objects.select_for_update(no_key=True).get(pk=site_id)
    handover = found.select_related("giver", "taker", "asker").get(pk=handover_id)
    handover.site = site
    return handover


def refuse_closed(handover: Handover, *, now: datetime) -> None:
    """Refuse a handover that does not wait for an answer any more."""
    if handover.state == S.WITHDRAWN:
        raise HandoverClosed(_("This offer was withdrawn in the meantime."))
    if handover.state != S.ASKED:
        raise HandoverClosed(_("This offer was answered in the meantime."))
    if not handover.is_open(now) or handover.site.installer_id != handover.giver_id:
        raise HandoverClosed(_("This offer has expired. The site has to be offered again."))


def _close(actor: Actor, handover: Handover, state: str, *, now: datetime, reason: str = "") -> None:
    handover.state, handover.reason = state, reason
    handover.decided_by_id, handover.decided_at = actor.user_id, now
    handover.save(update_fields=["state", "reason", "decided_by", "decided_at"])


def _record_on_both_sides(
    actor: Actor, word: audit.Word, handover: Handover, *, now: datetime, after: dict[str, object] | None = None
) -> None:
    """Audit it once for each installer. Who did it is named on the own side; the other one reads that it was done (R1)."""
    for firm in (handover.giver, handover.taker):
        is_own = actor.organization_id == firm.pk or actor.role in RESELLERS
        audit.record(
            actor if is_own else HANDOVERS,
            word,
            handover,
            now=now,
            tenant=firm,
            site_id=handover.site_id if firm.pk == handover.giver_id else None,
            before={"state": S.ASKED.value} if word is not HANDOVER_ASKED else None,
            after={"state": handover.state, **(after or {})},
        )
