"""People and their memberships: one login may belong to several organizations."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.management.base import CommandError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import SUBTREES, Organization
from accounts.scope import Actor, Grant, Role
from accounts.typed import mail
from accounts.typed.columns import Keyed, SearchKey, SortKey


def initials_of(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def known_as(membership: str = "") -> models.Case:
    """`Membership.known_as` for a query; `membership` is the path to the membership, such as "manager__membership__"."""
    name, email = models.F(f"{membership}user__name"), models.F(f"{membership}user__email")
    return models.Case(
        models.When(_is_invited(membership), then=models.F(f"{membership}invited_as")),
        models.When(~models.Q(**{f"{membership}user__name": ""}), then=name),
        default=email,
        output_field=models.CharField(),
    )


def known_order(membership: str = "") -> models.Case:
    """The sort key of people by the name that their firm uses; `membership` as in `known_as`."""
    return models.Case(
        models.When(_is_invited(membership), then=models.F(f"{membership}invited_order")),
        default=models.F(f"{membership}user__name_order"),
        output_field=SortKey(),
    )


def _is_invited(membership: str) -> models.Q:
    return models.Q(**{f"{membership}joined_at": None}) & ~models.Q(**{f"{membership}invited_as": ""})


class UserManager(BaseUserManager["User"]):
    """Users by email, in any spelling with the same key."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user with a usable password, or with none until one is set by mail."""
        user = self.model(email=mail.address(email).shown, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *args: Any, **fields: Any) -> User:
        """Refused: an administrator of the installation is a member of the operator (`add_operator`)."""
        raise CommandError(
            "SmartPlus knows no superusers. The first person comes by: manage.py add_operator --email … --name …"
        )

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with this address, in any spelling."""
        return self.get(email_key=mail.key(username or ""))


class User(Keyed, AbstractBaseUser):
    """A login. Invariant: `email_key` is the key of the address and unique, so two logins never differ in spelling only."""

    email = models.EmailField(_("email"), max_length=254)
    email_key = models.CharField(max_length=254, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    name_order = SortKey("name")
    search_key = SearchKey("name")
    language = models.CharField(_("language"), max_length=8, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(_("active"), default=True)
    confirmed_at = models.DateTimeField(_("email confirmed"), null=True, editable=False)
    two_factor_at = models.DateTimeField(
        null=True, editable=False
    )  # since when sign-in asks for a second factor; null: off
    password_at = models.DateTimeField(null=True, editable=False)  # when the person changed it last
    terms_version = models.CharField(
        max_length=16, blank=True, editable=False
    )  # the latest accepted versions, as in Acceptance
    privacy_version = models.CharField(max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name_order", "pk"]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and update the key with the address."""
        self.email_key = mail.key(self.email)
        if (fields := kwargs.get("update_fields")) is not None and "email" in fields:
            kwargs["update_fields"] = {*fields, "email_key"}
        super().save(*args, **kwargs)

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        return initials_of(self.name or self.email)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """The members of the actor's subtree; technicians and managers see themselves only (R1)."""
        if actor.sees_all:
            return self
        if actor.role in SUBTREES:
            return self.filter(organization__in=Organization.objects.visible_to(actor))
        if actor.role in {Role.TECHNICIAN, Role.MANAGER}:
            return self.filter(pk=actor.membership_id)
        return self.none()

    def choosable(self) -> Self:
        """Those who may be assigned to sites: `usable` ones, and those invited who have not joined yet (DOMAIN §1)."""
        return self.filter(is_active=True, organization__is_active=True, user__is_active=True)

    def usable(self) -> Self:
        """Those that a person may work under at present."""
        return self.filter(is_active=True, joined_at__isnull=False, organization__is_active=True, user__is_active=True)


class Membership(Keyed):
    """A person works for an organization.

    Invariants: technicians exist in installers only. Until the person has joined, it is shown as `invited_as` and `invited_email`, as
    the inviting person entered them, since the login may exist already and belong to other firms.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", db_index=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="memberships")
    is_technician = models.BooleanField(_("technician"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    joined_at = models.DateTimeField(null=True)  # null: invited and not joined
    invited_as = models.CharField(max_length=120, blank=True, editable=False)
    invited_order = SortKey("invited_as")
    invited_email = models.EmailField(max_length=254, blank=True, editable=False)
    invited_search = SearchKey("invited_as", "invited_email")
    sees_prices = models.BooleanField(_("sees prices"), default=True)
    sees_invoices = models.BooleanField(_("sees orders and invoices"), default=True)
    gets_billing_mail = models.BooleanField(_("receives billing mail"), default=True)
    manages_subscriptions = models.BooleanField(_("manages subscriptions"), default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["user__name_order", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.organization})"

    def actor(self) -> Actor:
        """The actor for this person in this organization."""
        firm = self.organization
        role = Role.TECHNICIAN if self.is_technician else Role(firm.kind)
        return Actor(
            role=role,
            user_id=self.user_id,
            organization_id=firm.pk,
            membership_id=self.pk,
            path=firm.path,
            label=self.user.name or self.user.email,
            grants=self.grants,
            distributor_id=(firm.pk if role is Role.DISTRIBUTOR else firm.distributor_id) or 0,
            organization=firm,
        )

    @property
    def known_as(self) -> str:
        """The name that the firm uses for this member."""
        return self.invited_as if self.joined_at is None and self.invited_as else str(self.user)

    @property
    def initials(self) -> str:
        """One or two letters of `known_as`."""
        return initials_of(self.known_as)

    @property
    def grants(self) -> frozenset[Grant]:
        """The grants of this member; a technician has none (DOMAIN §1)."""
        if self.is_technician:
            return frozenset()
        return frozenset(grant for grant in Grant if getattr(self, grant.value))
