"""The audit: who changed what, when, from which value to which (R9)."""

from __future__ import annotations

from typing import Self

from django.db import models

from accounts.append_only import AppendOnly
from accounts.models.organizations import Organization
from accounts.models.people import User
from accounts.scope import MACHINE, TENANT_KEYS, Actor, Grant, Role
from accounts.typed.columns import SearchKey

# Types of rows that are about orders: their label or values may contain an order number.
ORDER_SUBJECTS = (
    "order",
    "payment",
    "autorenewal",
    "subscription",
)  # the last one is an old name of auto-renewals, which sealed rows keep
NOBODY = 0  # an id that no firm has


def of_orders() -> models.Q:
    """The condition for rows that only members who see orders and invoices may read."""
    return models.Q(subject_type__in=ORDER_SUBJECTS)


def tenant_order(actor: Actor) -> tuple[str, ...]:
    """The columns that rows of `visible_to` are sorted by before their id. All rows have the same value there, but it makes PostgreSQL
    use the index of the reader's firm; sorted by the id alone, it may walk the whole table backwards through the rows of other
    tenants. PostgreSQL drops a sort column that a condition makes constant, so the condition also names a second firm that does not
    exist."""
    key = TENANT_KEYS.get(actor.role)
    return (key,) if key else ()


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    """Audit rows, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Rows of the actor's subtree; none for technicians and managers. Members whose firm does not show them orders get no rows
        about orders."""
        if actor.sees_all:
            return self.all()
        if actor.role not in TENANT_KEYS:
            return self.none()
        readable = self.filter(**{f"{TENANT_KEYS[actor.role]}__in": (NOBODY, actor.organization_id)})
        return readable if Grant.SEES_INVOICES in actor.grants else readable.exclude(of_orders())

    def newest(self, actor: Actor) -> Self:
        """In the order in which they are read, the newest first."""
        return self.order_by(*tenant_order(actor), "-pk")

    def whole(self) -> Self:
        """Without the rows inside batches: one row for each change, as people count."""
        return self.filter(batch=None)

    def at_site(self, site_id: int) -> Self:
        """The changes of one site; for a batch over several sites, the row of this site."""
        return self.filter(site_id=site_id).exclude(batch__site_id=site_id)


class AuditEvent(AppendOnly):
    """One change. Invariant: append-only; `before` and `after` contain only the fields that changed.

    A change of many objects is one row for the whole and one row for each object, which refers to it as its `batch`.
    """

    at = models.DateTimeField()
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_label = models.CharField(max_length=254)  # a name, or the address where the person has no name
    actor_role = models.CharField(max_length=16)
    action = models.CharField(max_length=60)  # "site.created"
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    subject_label = models.TextField()  # may list several names
    search_key = SearchKey("actor_label", "subject_label")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    # The organization whose row was changed
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    distributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    installer = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    batch = models.ForeignKey("self", models.PROTECT, null=True, related_name="rows", db_index=False)
    site_id = models.BigIntegerField(null=True)  # an id and no foreign key: sites belong to a higher layer

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["distributor", "-id"], name="audit_by_distributor"),
            models.Index(fields=["subdistributor", "-id"], name="audit_by_subdistributor"),
            models.Index(fields=["installer", "-id"], name="audit_by_installer"),
            models.Index(fields=["site_id", "-id"], name="audit_by_site"),
            models.Index(fields=["batch", "id"], name="audit_by_batch", condition=models.Q(batch__isnull=False)),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="audit_by_subject"),
            models.Index(
                fields=["at"], name="audit_by_time"
            ),  # rows arrive in the order of time, so this index is small
        ]

    @property
    def who(self) -> str:
        """Who did it, for people. Older rows of background work contain the name of a job instead."""
        return MACHINE if self.actor_role == Role.SYSTEM else self.actor_label

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject_label}"
