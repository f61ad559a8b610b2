"""The audit: who changed what, when, from which value to which (R9)."""

from __future__ import annotations

from typing import Self

from django.db import models

from accounts.append_only import AppendOnly
from accounts.models.organizations import Organization
from accounts.models.people import User
from accounts.scope import MACHINE, TENANT_KEYS, Actor, Grant, Role
from accounts.typed.columns import SearchKey

# Rows that are about orders, by what was changed or looked at: their label or their values tell an order's number.
ORDER_SUBJECTS = (
    "order",
    "payment",
    "autorenewal",
    "subscription",
)  # the last is what auto-renewals were called: rows are sealed
NOBODY = 0  # the key of no firm


def of_orders() -> models.Q:
    """The condition on rows that only who sees orders and invoices reads."""
    return models.Q(subject_type__in=ORDER_SUBJECTS)


def tenant_order(actor: Actor) -> tuple[str, ...]:
    """What the rows of `visible_to` are ordered by before their number, though it is the same in all of them: so PostgreSQL reads them by
    the index of the reader's firm. Ordered by the number alone it may walk the table backwards, through all that strangers did lately;
    and it leaves out of an order what a condition makes equal, so the condition names a second firm, which is nobody's."""
    key = TENANT_KEYS.get(actor.role)
    return (key,) if key else ()


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    """Audit rows, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """Each organization reads what concerns its own subtree; technicians and managers read nothing here. Members whose firm shows
        them no orders read no rows of orders, as the orders' own pages refuse them."""
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
        """Changes as people count them, without the rows of batches."""
        return self.filter(batch=None)

    def at_site(self, site_id: int) -> Self:
        """Changes of one site; of a batch that is not its own the row that is."""
        return self.filter(site_id=site_id).exclude(batch__site_id=site_id)


class AuditEvent(AppendOnly):
    """One change. Invariant: append-only; `before` and `after` hold only the fields that changed.

    A change of many objects is one row that says it, and below it a row for each object: those name it as their `batch`.
    """

    at = models.DateTimeField()
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_label = models.CharField(max_length=254)  # a name, or the address of who has none
    actor_role = models.CharField(max_length=16)
    action = models.CharField(max_length=60)  # "site.created"
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    subject_label = models.TextField()  # several names may be in it
    search_key = SearchKey("actor_label", "subject_label")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")  # whose row was changed
    distributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    installer = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    batch = models.ForeignKey("self", models.PROTECT, null=True, related_name="rows", db_index=False)
    site_id = models.BigIntegerField(null=True)  # a number, not a key: sites live above this layer

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
            ),  # a few days out of years; rows come in this order, so it is cheap
        ]

    @property
    def who(self) -> str:
        """Who did it, for people; what the machine did by itself was signed with the name of its part once."""
        return MACHINE if self.actor_role == Role.SYSTEM else self.actor_label

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject_label}"
