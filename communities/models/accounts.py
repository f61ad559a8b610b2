"""Personnel and administrator accounts of a commercial site."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.typed import phones
from accounts.typed.columns import SearchKey, SortKey
from communities.models.sites import SiteChild, SiteChildQuerySet


class AccountKind(models.TextChoices):
    """Whose app an account is."""

    PERSONNEL = "personnel", _("Personnel")
    ADMIN = "admin", _("Admin")


class AccountQuerySet(SiteChildQuerySet["CommercialAccount"]):
    """Accounts by what they are now."""

    def in_use(self) -> Self:
        """Those that are not archived."""
        return self.filter(archived_at=None)


class CommercialAccount(SiteChild):
    """A person's account at a commercial site. It is billed while its intercom is on (R35). What was paid for is archived and never deleted
    (R78). Invariant: a person can be reached by mail or mobile."""

    kind = models.CharField(_("account"), max_length=12, choices=AccountKind.choices)
    name = models.CharField(_("name"), max_length=120)
    name_order = SortKey("name")
    search_key = SearchKey("name", "email", "mobile")
    email = models.EmailField(_("email"), blank=True)
    mobile = models.CharField(_("mobile"), max_length=phones.LONGEST, blank=True)
    intercom = models.BooleanField(_("intercom"), default=True)
    target = models.OneToOneField("Target", models.PROTECT, related_name="account")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["name_order", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(email="") | ~models.Q(mobile=""),
                name="account_reachable",
                violation_error_message=_("An account needs an email or a mobile number."),
            ),
        ]
        indexes = [models.Index(fields=["site", "name_order", "id"], name="account_by_site")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        """Whether it is out of use."""
        return self.archived_at is not None
