"""The readers of the measured pages, each with a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import Membership, UserSession
from accounts.scope import Actor, Role
from smartplus import sessions
from smartplus.bench import floor
from smartplus.scale.building import World


@dataclass
class Reader:
    """A signed-in person, in the portal and at the floor."""

    label: str
    actor: Actor
    grows: str  # whether the data it sees grows
    bound: dict[str, int]  # the columns by which rows belong to it
    client: Client = field(init=False)
    plain: Client = field(init=False)

    def __post_init__(self) -> None:
        """Sign in, once for both."""
        membership = Membership.objects.select_related("user").get(pk=self.actor.membership_id)
        self.client, self.plain = stranger(), stranger(floor.MIDDLEWARE)
        self.client.force_login(membership.user, backend="accounts.backends.EmailBackend")
        session = self.client.session
        session[sessions.SESSION_KEY] = membership.pk
        session.save()
        now = timezone.now()
        UserSession.objects.create(
            user=membership.user, membership=membership, session_key=session.session_key or "", created_at=now, last_seen_at=now
        )  # fmt: skip
        self.plain.cookies = self.client.cookies

    @property
    def sums_by_site(self) -> bool:
        """Whether the role's own rows grow and are summed site by site, since there are no totals for this role
        (docs/adr/0029-growth-of-own-rows.md)."""
        return self.actor.role is Role.MANAGER and self.grows.startswith("own")

    def status(self, path: str) -> int:
        """The status of the portal's answer."""
        return self.client.get(path, secure=True).status_code

    def open(self, path: str) -> int:
        """Open a page of the portal; returns its bytes."""
        return _bytes(self.client.get(path, secure=True), path)

    def open_plain(self, path: str) -> int:
        """Open a page of the floor; returns its bytes."""
        return _bytes(self.plain.get(path, secure=True), path)


def stranger(middleware: list[str] | None = None) -> Client:
    """A browser without a session, for the portal or for another middleware."""
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    client = Client(SERVER_NAME=host)
    if middleware is not None:
        with override_settings(MIDDLEWARE=middleware, SESSION_ENGINE="django.contrib.sessions.backends.db"):
            client.handler.load_middleware()
    return client


def _bytes(answer: Any, path: str) -> int:
    if answer.status_code not in {HTTPStatus.OK, HTTPStatus.FOUND}:  # a whole MAC redirects to its place
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return len(answer.content)


def readers(world: World) -> list[Reader]:
    """One reader of each role in the tree that has half of everything, and in a small tree, which does not grow itself."""
    found = [Reader("operator", world.operator, "everything", {})]
    for home, grows in zip(world.trees[:2], ("own rows, and strangers'", "strangers' rows"), strict=False):
        size = "large " if home is world.trees[0] else "small "
        found += [
            Reader(f"{size}distributor", home.distributor, grows, {"distributor_id": home.distributor.organization_id}),
            Reader(f"{size}sub-distributor", home.subdistributor, grows, {"subdistributor_id": home.subdistributor.organization_id}),
            Reader(f"{size}installer", home.installer, grows, {"installer_id": home.installer.organization_id}),
            Reader(f"{size}technician", home.technician, grows, {"installer_id": home.installer.organization_id}),
            Reader(f"{size}manager", home.manager, grows, {"installer_id": home.installer.organization_id}),
        ]  # fmt: skip
    return found
