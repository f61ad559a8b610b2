"""Personnel and administrator accounts of commercial sites (R35)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor
from accounts.typed import mail, phones, text
from communities import audit_sentences
from communities.actions.archiving import delete_unpaid, refuse_reserved
from communities.actions.entitlements import sync_rest
from communities.actions.residents import may_edit_residents
from communities.actions.sites import lock_site
from communities.actions.targets import made_for
from communities.models import AccountKind, CommercialAccount, Kind, Site, keys_of

PERSONAL = ("name", "email", "mobile")  # never in the audit, which only grows


def _word(code: str, label: Promise, sentence: Promise, **more: Any) -> audit.Word:
    return audit.Word(code, label, sentence, area=audit.Area.SERVICES, saves=True, **more)


ADDED = _word("account.added", gettext_lazy("Account added"), gettext_lazy("Account added in %(what)s"))
CHANGED = _word("account.changed", gettext_lazy("Account changed"), gettext_lazy("Account changed in %(what)s"))
SWITCHED = _word(
    "account.switched", gettext_lazy("Intercom of accounts switched"), gettext_lazy("Intercom of accounts switched in %(what)s"),
    tells=audit_sentences.intercoms_switched,
)  # fmt: skip
ARCHIVED = _word("account.archived", gettext_lazy("Account archived"), gettext_lazy("Account archived in %(what)s"))
RESTORED = _word("account.restored", gettext_lazy("Account restored"), gettext_lazy("Account restored in %(what)s"))
REMOVED = _word("account.removed", gettext_lazy("Account removed"), gettext_lazy("Account removed from %(what)s"))


@dataclass(frozen=True, slots=True)
class Holder:
    """What is typed of an account."""

    kind: str
    name: str
    email: str = ""
    mobile: str = ""
    intercom: bool = True


@transaction.atomic
def add_account(actor: Actor, *, site_id: int, holder: Holder, now: datetime) -> CommercialAccount:
    """Add a person's account; it is billed while its intercom is on (R35). Commercial sites only."""
    site = _lock_site(actor, site_id)
    if site.kind != Kind.COMMERCIAL:
        raise Refused(_("Only commercial sites have personnel and admin accounts."))
    row = CommercialAccount(**keys_of(site), created_at=now, **_cleaned(site, holder))
    made_for([row])
    row.save()
    sync_rest(site)
    _record(actor, ADDED, row, site, after={"account": row.kind, "intercom": row.intercom}, now=now)
    return row


@transaction.atomic
def edit_account(actor: Actor, *, account_id: int, version: int, holder: Holder, now: datetime) -> CommercialAccount:
    """Change an account. Its kind is changed only while nothing was paid for it, since the other app is another service."""
    site, row = _lock(actor, account_id, version)
    values = _cleaned(site, holder, kept=row)
    if values["kind"] != row.kind:
        refuse_reserved(row)
        if row.target.entitlements.exclude(expires_at=None).exists():
            raise Refused(_("The account has paid time. Archive it and add one of the other kind."), field="kind")
    changed = [field for field, value in values.items() if getattr(row, field) != value]
    before = {"intercom": row.intercom, "account": row.kind}
    for field, value in values.items():
        setattr(row, field, value)
    row.version += 1
    row.save()
    sync_rest(site)
    after = {"intercom": row.intercom, "account": row.kind, "fields": changed}
    _record(actor, CHANGED, row, site, before=before, after=after, now=now)
    return row


@transaction.atomic
def switch_intercoms(
    actor: Actor, *, site_id: int, wanted: Mapping[int, bool], versions: Mapping[int, int], now: datetime
) -> int:
    """Switch the intercom of several accounts, all or none (R35). Returns how many changed. Raises Conflict where one of them was saved
    since its version was read, DoesNotExist for an account of another site, and Refused where nothing changes."""
    site = _lock_site(actor, site_id)
    rows = list(CommercialAccount.objects.in_use().filter(site=site, pk__in=wanted).order_by("pk"))
    if len(rows) < len(wanted):
        raise CommercialAccount.DoesNotExist
    changing = [row for row in rows if row.intercom != wanted[row.pk]]
    if any(row.version != versions.get(row.pk) for row in changing):
        raise Conflict
    if not changing:
        raise Refused(_("Nothing was changed."))
    on, off = ([row for row in changing if wanted[row.pk] is value] for value in (True, False))
    for some, value in ((on, True), (off, False)):
        ids = [row.pk for row in some]
        CommercialAccount.objects.filter(pk__in=ids).update(intercom=value, version=F("version") + 1)
    sync_rest(site)
    after = {"on": len(on), "off": len(off)}
    whole = audit.record(actor, SWITCHED, site, now=now, tenant=site, site_id=site.pk, after=after)
    audit.record_all(
        audit.event(
            actor, CHANGED, row, now=now, tenant=site, site_id=site.pk, batch=whole, label=site.name,
            before={"intercom": row.intercom}, after={"intercom": wanted[row.pk]},
        )
        for row in changing
    )  # fmt: skip
    return len(changing)


@transaction.atomic
def archive_account(actor: Actor, *, account_id: int, version: int, now: datetime) -> CommercialAccount:
    """Take an account out of use: it is not billed any more and keeps its paid time (R78). Refuses one that an open order holds."""
    site, row = _lock(actor, account_id, version)
    if row.is_archived:
        raise Refused(_("%(what)s is archived already.") % {"what": row})
    refuse_reserved(row)
    row.archived_at, row.version = now, row.version + 1
    row.save()
    sync_rest(site)
    _record(actor, ARCHIVED, row, site, now=now)
    return row


@transaction.atomic
def restore_account(actor: Actor, *, account_id: int, version: int, now: datetime) -> CommercialAccount:
    """Use an archived account again, with its paid time."""
    site, row = _lock(actor, account_id, version)
    if not row.is_archived:
        raise Refused(_("%(what)s is in use already.") % {"what": row})
    row.archived_at, row.version = None, row.version + 1
    row.save()
    sync_rest(site)
    _record(actor, RESTORED, row, site, now=now)
    return row


@transaction.atomic
def remove_account(actor: Actor, *, account_id: int, version: int, now: datetime) -> Site:
    """Delete an account that nothing was paid for. Refuses one that was paid for or stands in an order: that is archived (R78)."""
    site, row = _lock(actor, account_id, version)
    refuse_reserved(row)
    _record(actor, REMOVED, row, site, before={"account": row.kind, "intercom": row.intercom}, now=now)
    delete_unpaid(row)
    return site


def _lock_site(actor: Actor, site_id: int) -> Site:
    if not may_edit_residents(actor):
        raise NotPermitted
    return lock_site(actor, site_id)


def _lock(actor: Actor, account_id: int, version: int) -> tuple[Site, CommercialAccount]:
    """The account with its site locked, which protects the account too. Raises Conflict for another version."""
    rows = CommercialAccount.objects.visible_to(actor)
    site = _lock_site(actor, rows.get(pk=account_id).site_id)
    row = rows.select_related("target").get(pk=account_id)
    if row.version != version:
        raise Conflict
    return site, row


def _cleaned(site: Site, holder: Holder, kept: CommercialAccount | None = None) -> dict[str, object]:
    """The values to save. A number that equals the stored one is not checked again."""
    if holder.kind not in AccountKind.values:
        raise Refused(_("Choose personnel or admin."), field="kind")
    name, email, mobile = text.line(holder.name), text.line(holder.email), text.line(holder.mobile)
    if not name:
        raise Refused(_("The account needs a name."), field="name")
    if not email and not mobile:
        raise Refused(_("An account needs an email or a mobile number."), field="email")
    if email:
        email = mail.address(email).shown
    if mobile and (kept is None or mobile != kept.mobile):
        try:
            mobile = phones.number(mobile, site.country)
        except Refused as refusal:
            raise Refused(str(refusal), field="mobile") from refusal
    return {"kind": holder.kind, "name": name, "email": email, "mobile": mobile, "intercom": holder.intercom}


def _record(
    actor: Actor, word: audit.Word, row: CommercialAccount, site: Site, *, now: datetime,
    before: dict[str, object] | None = None, after: dict[str, object] | None = None,
) -> None:  # fmt: skip
    audit.record(
        actor, word, row, now=now, tenant=site, site_id=site.pk, label=site.name, before=before or {}, after=after or {}
    )
