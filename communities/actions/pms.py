"""The connection of a site to a property management system: made, enabled, given another token, revoked. The price class follows it (R29)."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models.invitations import digest_of
from accounts.scope import Actor, Role
from communities.actions.sites import lock_site
from communities.models import Entitlement, Kind, PmsConnection, PriceClass, Site, keys_of

MARK = "pms_"  # prefix, so that a token that is found somewhere can be recognized
TOKEN_BYTES = 32  # 256 bits
CONNECTED = audit.Word(
    "pms.connected",
    gettext_lazy("Connection to a property management system made"),
    gettext_lazy("Connection of %(what)s to a property management system made"),
    area=audit.Area.SERVICES,
    saves=True,
)
ENABLED = audit.Word(
    "pms.enabled",
    gettext_lazy("Connection to a property management system enabled"),
    gettext_lazy("Connection of %(what)s to a property management system enabled"),
    area=audit.Area.SERVICES,
)
RENEWED = audit.Word(
    "pms.token_renewed",
    gettext_lazy("New token for a property management system"),
    gettext_lazy("New token for the property management system of %(what)s"),
    area=audit.Area.SECURITY,
)
REVOKED = audit.Word(
    "pms.revoked",
    gettext_lazy("Connection to a property management system revoked"),
    gettext_lazy("Connection of %(what)s to a property management system revoked"),
    area=audit.Area.SERVICES,
)
CLASS_CHANGED = audit.Word(
    "site.price_class",
    gettext_lazy("Price class changed"),
    gettext_lazy("Price class of %(what)s changed"),
    area=audit.Area.SERVICES,
)


def may_connect(actor: Actor) -> bool:
    """Whether the actor makes connections and their tokens: the installer."""
    return actor.role is Role.INSTALLER


def may_enable(actor: Actor) -> bool:
    """Whether the actor lets a connection work: the distributor and the operator, since it changes the price class."""
    return actor.role in {Role.DISTRIBUTOR, Role.OPERATOR}


@transaction.atomic
def connect(actor: Actor, *, site_id: int, is_beyond_free: bool, now: datetime) -> tuple[PmsConnection, str]:
    """Make the connection of a community and return it with its token, which is never shown again. It works once it is enabled. Refuses
    other project types, and a site that has one. Locks: site."""
    if not may_connect(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    if site.kind != Kind.COMMUNITY:
        raise Refused(_("Only communities are connected to a property management system."))
    if PmsConnection.objects.live().filter(site=site).exists():
        raise Refused(_("%(site)s is connected already. Revoke that connection first.") % {"site": site.name})
    token = _new_token()
    row = PmsConnection.objects.create(
        **keys_of(site),
        digest=digest_of(token),
        is_beyond_free=is_beyond_free,
        created_by_id=actor.user_id,
        created_at=now,
    )
    after: dict[str, object] = {"is_beyond_free": is_beyond_free}
    audit.record(actor, CONNECTED, row, now=now, tenant=site, site_id=site.pk, after=after, label=site.name)
    return row, token


@transaction.atomic
def enable(actor: Actor, *, connection_id: int, now: datetime) -> PmsConnection:
    """Let a connection work; a second call changes nothing. Refuses a revoked one. Locks: site."""
    if not may_enable(actor):
        raise NotPermitted
    site, row = _lock(actor, connection_id)
    if row.enabled_at is None:
        row.enabled_at, row.enabled_by_id = now, actor.user_id
        row.save(update_fields=["enabled_at", "enabled_by"])
        audit.record(actor, ENABLED, row, now=now, tenant=site, site_id=site.pk, label=site.name)
    return row


@transaction.atomic
def renew_token(actor: Actor, *, connection_id: int, is_beyond_free: bool, now: datetime) -> tuple[PmsConnection, str]:
    """Give a connection another token, which is never shown again; the one before works no more. Refuses a revoked one. Locks: site."""
    if not may_connect(actor):
        raise NotPermitted
    site, row = _lock(actor, connection_id)
    before, token = {"is_beyond_free": row.is_beyond_free}, _new_token()
    row.digest, row.is_beyond_free = digest_of(token), is_beyond_free
    row.save(update_fields=["digest", "is_beyond_free"])
    audit.record(
        actor, RENEWED, row, now=now, tenant=site, site_id=site.pk, label=site.name,
        before={**before}, after={"is_beyond_free": is_beyond_free},
    )  # fmt: skip
    return row, token


@transaction.atomic
def revoke(actor: Actor, *, connection_id: int, now: datetime) -> PmsConnection:
    """End a connection, at once and for good. Its residents stay; the site is Normal again from the next order on (R26, R29). Refuses one
    that is revoked. Locks: site → entitlements."""
    if not may_connect(actor) and not may_enable(actor):
        raise NotPermitted
    site, row = _lock(actor, connection_id)
    was = site.price_class
    end_connection(site, now=now)
    row.revoked_at = now
    audit.record(actor, REVOKED, row, now=now, tenant=site, site_id=site.pk, label=site.name)
    if was != site.price_class:
        record_class(actor, site, was=was, now=now)
    return row


def end_connection(site: Site, *, now: datetime) -> None:
    """Revoke what connects the site, inside the caller's transaction, which holds it; without a connection nothing happens."""
    if PmsConnection.objects.live().filter(site=site).update(revoked_at=now):
        write_class(site, PriceClass.NORMAL)


def write_class(site: Site, price_class: PriceClass) -> bool:
    """Write the price class of a locked site; returns whether it was another one. Paid time and orders keep what they cost (R26). Triggers
    count the entitlements anew, so they are locked."""
    if site.price_class == price_class:
        return False
    items = Entitlement.objects.filter(site=site).order_by("pk")
    list(items.select_for_update(of=("self",), no_key=True).values_list("pk"))
    site.price_class = price_class
    Site.objects.filter(pk=site.pk).update(price_class=price_class)
    return True


def record_class(actor: Actor, site: Site, *, was: str, now: datetime) -> None:
    """Audit that the price class of a site was `was` before."""
    before, after = {"price_class": str(was)}, {"price_class": str(site.price_class)}
    audit.record(actor, CLASS_CHANGED, site, now=now, tenant=site, site_id=site.pk, before={**before}, after={**after})


def _lock(actor: Actor, connection_id: int) -> tuple[Site, PmsConnection]:
    """The site and its connection, if the actor sees it, under the lock of the site."""
    seen = PmsConnection.objects.visible_to(actor).get(pk=connection_id)
    site = lock_site(actor, seen.site_id)
    row = PmsConnection.objects.get(pk=connection_id)
    if row.revoked_at is not None:
        raise Refused(_("This connection is revoked. Make another one."))
    return site, row


def _new_token() -> str:
    return MARK + secrets.token_urlsafe(TOKEN_BYTES)
