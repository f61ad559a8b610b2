"""The call with which a property management system sends residents. Its token belongs to a site, not to a person."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import gettext_noop as _
from ninja import Field, Schema
from ninja.security import HttpBearer

from communities.actions import pms_sync
from communities.actions.pms_sync import ConnectionOver, Sent, Synced
from communities.models import PmsConnection
from smartplus.access import PortalRequest
from smartplus.api.house import api, no_token


class PmsBearer(HttpBearer):
    """`Authorization: Bearer pms_…`: the token of a site's connection, which only this call takes."""

    def authenticate(self, request: HttpRequest, token: str) -> PmsConnection | None:
        """The connection; None if it is unknown, revoked or not enabled."""
        try:
            return pms_sync.find_connection(token)
        except ConnectionOver:
            return None


api.exception_handler(ConnectionOver)(no_token)  # revoked since it was asked


class Person(Schema):
    """A person who lives at the site."""

    key: str = Field(description=_("What your system calls the person, at most 64 characters; the same in every call."))
    name: str
    email: str | None = Field(None, description=_("Null keeps what is stored. Another address is a conflict."))
    mobile: str | None = Field(None, description=_("Null keeps what is stored."))
    remark: str | None = Field(None, description=_("Null keeps what is stored."))
    language: str = Field("en", description=_("Of the person's mails; used once, when the person is created."))
    apartment_id: int | None = Field(None, description=_("The apartment by its id here, or by building and number:"))
    building: str = ""
    apartment: str = Field("", description=_("The number in the building."))
    is_master: bool = Field(False, description=_("To be the family master; taken where nobody lives."))


class People(Schema):
    """The people of one call."""

    people: list[Person] = Field(description=_("At most 2,000. Who is missing is not removed."))


class PersonAnswer(Schema):
    """What became of one person."""

    key: str
    result: str = Field(description=_("created, updated, unchanged, waiting, conflict or refused"))
    reason: str = Field(description=_("Why it is a conflict or refused; else empty."))


class SyncAnswer(Schema):
    """What became of a call."""

    dry_run: bool
    counts: dict[str, int] = Field(description=_("How many people there are of each result."))
    people: list[PersonAnswer] = Field(description=_("In the order in which they were sent."))


@api.post(
    "/pms/residents/",
    auth=PmsBearer(),
    response=SyncAnswer,
    url_name="pms-residents",
    tags=["pms"],
    summary=_("Send the residents of a site"),
    description=_(
        "Needs the token of the site's connection. With dry_run=1 nothing is written. Sent twice it changes nothing more. Addresses, family"
        " masters and people whom others added stay as they are: these are conflicts to decide in the portal."
    ),
)
def residents(request: HttpRequest, sent: People, dry_run: bool = False) -> dict[str, Any]:
    """Send the residents of a site."""
    asked = cast(PortalRequest, request)
    people = [Sent(**one.dict()) for one in sent.people]
    token = request.headers["Authorization"].partition(" ")[2].strip()
    return _told(pms_sync.sync(token=token, people=people, dry_run=dry_run, now=asked.now), dry_run)


def _told(found: Synced, dry_run: bool) -> dict[str, Any]:
    people = [{"key": one.key, "result": one.result, "reason": one.reason} for one in found.answers]
    return {"dry_run": dry_run, "counts": found.counts, "people": people}
