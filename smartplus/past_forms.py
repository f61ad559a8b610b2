"""Forms that could not be processed when they were sent: after the end of the session, or after a sign-in or a change of organization in
another tab. Such a form is stored in the session for an hour, for the same person and membership, and filled in again when its page is
opened. It is never sent again automatically.

Passwords, codes and files are never stored. A form without a page of its own (a button of a row, signing out, switching) is not filled in
again: a message says that it was not done.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from smartplus import form_tokens, throttle

PAGE = "errors/old_form.html"
LATER = "form_for_later"
KEPT_FOR_S = 3600
MOST_KEPT = 300_000  # characters of a form; more than its largest field may have
OURS = {
    "was",
    "version",
    "next",
    "then",
    "do",
    "go",
    "action",
    "add-row",
    "use",
    "active",
    "form_token",
}  # fields that pages fill in themselves
SHOWN = 40
SECRET_WORDS = ("password", "code", "key", "secret", "card", "csrfmiddlewaretoken")
NO_SECRETS = {"postal_code"}


class Waiting(TypedDict):
    """A form that was not processed: its person, membership, page, target address, values and time. `is_told`: the person knows that it
    waits under another membership."""

    user: int
    membership: int
    page: str
    path: str
    fields: list[tuple[str, str]]
    at: int
    is_told: bool


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of the sent form, in order, without secrets."""
    return [(name, value) for name, values in request.POST.lists() if not is_secret(name) for value in values]


def shown(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The typed values, for reading and copying, without ids and versions."""
    fields = [(name, value) for name, value in fields if not _is_ours(name)]
    words = [(name.replace("_", " ").replace("-", " "), value) for name, value in fields if _is_written(value)]
    return words[:SHOWN]


def keep_for_later(request: HttpRequest, page: str) -> Waiting | None:
    """Store the sent form for the person whose `page` contained it. Only one at a time; only forms of ours, for a person who may still work
    under that membership. Of a form that is too long only the fact is stored that it was not done."""
    is_fragment = bool(request.headers.get("HX-Request"))  # the script keeps what it sent
    owner = form_tokens.owner(request.POST.get(form_tokens.FIELD, ""), within=form_tokens.GIVEN_BACK_FOR)
    is_signed_in, now = isinstance(request.user, User), timezone.now()
    if is_fragment or not owner.membership or (is_signed_in and owner.user != request.user.pk):
        return None
    if not Membership.objects.usable().filter(pk=owner.membership, user=owner.user).exists():
        return None
    if not is_signed_in and not throttle.may_keep_form(owner.user, now=now):
        return None
    fields = typed(request)
    is_too_long = sum(len(name) + len(value) for name, value in fields) > MOST_KEPT
    waiting: Waiting = {
        "user": owner.user,
        "membership": owner.membership,
        "page": page,
        "path": request.get_full_path(),
        "fields": [] if is_too_long else fields,
        "at": int(now.timestamp()),
        "is_told": False,
    }
    request.session[LATER] = waiting
    if not is_signed_in:
        request.session.set_expiry(KEPT_FOR_S)  # signing in creates a new session
    return waiting


def waiting_here(request: HttpRequest) -> Waiting | None:
    """The form that waits for this person and page, under any membership. A form of another person, or one that is too old, is deleted."""
    if request.method != "GET" or not isinstance(request.user, User) or LATER not in request.session:
        return None
    found: Waiting = request.session[LATER]
    if found["user"] != request.user.pk or timezone.now().timestamp() - found["at"] > KEPT_FOR_S:
        drop(request)
        return None
    return found if found["page"] == request.get_full_path() else None


def drop(request: HttpRequest) -> None:
    """Delete the waiting form."""
    request.session.pop(LATER, None)


def take(request: HttpRequest, action: str, names: Collection[str]) -> QueryDict | None:
    """Take what was typed on this page into the form with this `action` and these fields ("rows-": all that begin so), once; the page says
    that it is not saved. None where it was sent elsewhere, under another membership, or contains values that have no field in the form."""
    found = waiting_here(request)
    membership = getattr(getattr(request, "actor", None), "membership_id", None)
    if found is None or found["membership"] != membership or not belongs_to(found, action) or not found["fields"]:
        return None
    mine, rows = set(names), tuple(name for name in names if name.endswith("-"))
    sent = [
        (name, value, name in mine or name.startswith(rows)) for name, value in found["fields"] if not _is_ours(name)
    ]
    if not any(is_mine for *_other, is_mine in sent) or any(
        _is_written(value) and not is_mine for _name, value, is_mine in sent
    ):
        return None
    drop(request)
    data = QueryDict(mutable=True)
    for name, value in found["fields"]:
        data.appendlist(name, value)
    messages.info(request, _("What you had typed is here again. It is not saved yet."))
    return data


def belongs_to(found: Waiting, action: str) -> bool:
    """Whether the form was sent to this address, whatever the query."""
    return urlsplit(found["path"]).path == urlsplit(action).path


def membership_of(found: Waiting) -> Membership | None:
    """The membership of a form, if the person may still work under it."""
    usable = Membership.objects.usable().filter(user=found["user"]).select_related("organization")
    return usable.filter(pk=found["membership"]).first()


def is_secret(name: str) -> bool:
    """Whether a field of this name is never stored."""
    return name.rpartition("-")[2] not in NO_SECRETS and any(word in name.lower() for word in SECRET_WORDS)


def _is_ours(name: str) -> bool:
    return not {name, name.rpartition("-")[2]}.isdisjoint(OURS)


def _is_written(value: str) -> bool:
    """Whether a person may have typed it: no id, version or tick."""
    return bool(value.strip()) and not value.isdecimal() and value != "on"
