"""A form that came when it could not be done: after its session had ended, or after somebody signed in or switched the organization in
another tab. It waits in the session, for an hour, for the person and the membership its page was made for, and is filled in again when
that page is opened. Nothing is ever sent again by us.

Passwords, codes and files are never kept. Of a form that does not belong to its page (a button of a row, signing out, switching) nothing
comes back: the page says that it was not done.
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
MOST_KEPT = 300_000  # characters of a form; more than the largest field of any takes
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
}  # pages fill these in themselves
SHOWN = 40
SECRET_WORDS = ("password", "code", "key", "secret", "card", "csrfmiddlewaretoken")
NO_SECRETS = {"postal_code"}


class Waiting(TypedDict):
    """A form that could not be done: whose, under which membership, of which page, where it went, what was typed, and when it came.
    `is_told`: the person was told that it waits under another membership."""

    user: int
    membership: int
    page: str
    path: str
    fields: list[tuple[str, str]]
    at: int
    is_told: bool


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of the form that was sent, in order, without secrets."""
    return [(name, value) for name, values in request.POST.lists() if not is_secret(name) for value in values]


def shown(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a person typed, to be read and copied: not the numbers of rows and versions."""
    fields = [(name, value) for name, value in fields if not _is_ours(name)]
    words = [(name.replace("_", " ").replace("-", " "), value) for name, value in fields if _is_written(value)]
    return words[:SHOWN]


def keep_for_later(request: HttpRequest, page: str) -> Waiting | None:
    """Let the form that was sent wait for the person on whose `page` it stood. One at a time, and none that is not ours, nor for somebody
    who may not work under that membership any more. Of one that is too long only waits that it was not done."""
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
        request.session.set_expiry(KEPT_FOR_S)  # signing in sets another one
    return waiting


def waiting_here(request: HttpRequest) -> Waiting | None:
    """The form that waits for this person and this page, under whatever membership. What waits for somebody else, or for too long, is
    thrown away."""
    if request.method != "GET" or not isinstance(request.user, User) or LATER not in request.session:
        return None
    found: Waiting = request.session[LATER]
    if found["user"] != request.user.pk or timezone.now().timestamp() - found["at"] > KEPT_FOR_S:
        drop(request)
        return None
    return found if found["page"] == request.get_full_path() else None


def drop(request: HttpRequest) -> None:
    """Let nothing wait any more."""
    request.session.pop(LATER, None)


def take(request: HttpRequest, action: str, names: Collection[str]) -> QueryDict | None:
    """What was typed on this page into the form that is sent to `action` and has these fields ("rows-": all that begin so), once; the page
    says that it is not saved. None where it was sent elsewhere, under another membership, or with something written that has no place in the form."""
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
    """Whether the form was sent to this address, whatever its query."""
    return urlsplit(found["path"]).path == urlsplit(action).path


def membership_of(found: Waiting) -> Membership | None:
    """The membership that a form was made for, if the person may still work under it."""
    usable = Membership.objects.usable().filter(user=found["user"]).select_related("organization")
    return usable.filter(pk=found["membership"]).first()


def is_secret(name: str) -> bool:
    """Whether a field of this name is never kept."""
    return name.rpartition("-")[2] not in NO_SECRETS and any(word in name.lower() for word in SECRET_WORDS)


def _is_ours(name: str) -> bool:
    return not {name, name.rpartition("-")[2]}.isdisjoint(OURS)


def _is_written(value: str) -> bool:
    """Whether a person may have written it: no number of a row or a version, no tick."""
    return bool(value.strip()) and not value.isdecimal() and value != "on"
