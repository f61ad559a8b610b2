"""Forms of this browser that were open when somebody signed in or switched the organization in another tab, or when the session ended.

The first two give the browser a new CSRF secret, so that such a form is refused. The secrets before are kept in the session with why they
ended: a form that carries one of them is ours, and the page that refuses it can say what happened and offer a way on.

What is sent after the session ended waits in the new one, for an hour and for the person whose page it stood on: signed in, that person
finds the form filled again. Passwords, codes and files are never kept.
"""

from __future__ import annotations

from typing import TypedDict

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, QueryDict
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from smartplus import form_tokens

PAGE = "errors/old_form.html"
PAST, MOST = "past_forms", 5
LATER = "form_for_later"
SIGNED_IN, SWITCHED = "signed_in", "switched"
KEPT_SALT, KEPT_FOR_S = "kept-form", 3600
MOST_KEPT = 100_000  # characters of a form; a longer one is sent again by hand
OURS = {"was", "version", "next", "do", "kept", "form_token"}  # fields that pages fill in themselves
SHOWN, SHOWN_CHARS = 40, 2000
SECRET_WORDS = ("password", "code", "key", "secret", "card", "csrfmiddlewaretoken")
NO_SECRETS = {"postal_code"}


class Waiting(TypedDict):
    """A form that came after its session had ended: whose, of which page, where it went, its fields, and when it came."""

    user: int
    page: str
    path: str
    fields: list[tuple[str, str]]
    is_whole: bool
    at: int


class Ended(TypedDict):
    """Why a secret ended, and for which membership forms were made with it (0: for none that is known)."""

    secret: str
    why: str
    membership: int


class Kept(TypedDict):
    """A refused form: where it went, and its fields."""

    path: str
    fields: list[tuple[str, str]]


def secret_of(request: HttpRequest) -> str:
    """The secret that forms of this browser carry now; ask before it is rotated."""
    return str(request.META.get("CSRF_COOKIE") or "")


def note(request: HttpRequest, secret: str, *, why: str, membership: int = 0) -> None:
    """Remember a secret that has just ended."""
    if secret:
        past: list[Ended] = request.session.get(PAST, [])
        request.session[PAST] = [{"secret": secret, "why": why, "membership": membership}, *past][:MOST]


def find(request: HttpRequest) -> Ended | None:
    """What ended the secret of the form that was sent; None where it is none of ours."""
    secret = _unmasked(request.POST.get("csrfmiddlewaretoken", ""))
    past: list[Ended] = request.session.get(PAST, []) if secret else []
    return next((ended for ended in past if constant_time_compare(secret, ended["secret"])), None)


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of the form that was sent, in order, without secrets."""
    return [(name, value) for name, values in request.POST.lists() if not is_secret(name) for value in values]


def shown(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a person typed, to be read and copied: not the numbers of rows and versions."""
    fields = [(name, value) for name, value in fields if name not in OURS]
    words = [(name.replace("_", " ").replace("-", " "), value[:SHOWN_CHARS]) for name, value in fields if value.strip()]
    return [(name, value) for name, value in words if not value.isdecimal() and value != "on"][:SHOWN]


def is_whole(request: HttpRequest) -> bool:
    """Whether the form can be sent again as it was: without passwords, files and megabytes."""
    secret = [name for name in request.POST if is_secret(name)]
    length = sum(len(name) + len(value) for name, value in typed(request))
    return secret in ([], ["csrfmiddlewaretoken"]) and not request.FILES and length <= MOST_KEPT


def keep(request: HttpRequest) -> str:
    """The form as signed text, for the page after the organization is switched back."""
    kept = [request.user.pk, request.get_full_path(), typed(request)]
    return signing.dumps(kept, salt=KEPT_SALT, compress=True)


def kept(request: HttpRequest, text: str) -> Kept | None:
    """The form that was kept for this person; None for anything else, or after an hour."""
    try:
        owner, path, fields = signing.loads(text, salt=KEPT_SALT, max_age=KEPT_FOR_S)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return {"path": path, "fields": [(name, value) for name, value in fields]} if owner == request.user.pk else None


def keep_for_later(request: HttpRequest, page: str) -> None:
    """Let a form that nobody is signed in for wait for the person on whose `page` it stood. One at a time, and none that is not ours."""
    owner = form_tokens.owner(request.POST.get(form_tokens.FIELD, ""))
    fields = typed(request)
    is_fragment = bool(request.headers.get("HX-Request"))  # the script keeps what it sent
    if not owner or is_fragment or sum(len(name) + len(value) for name, value in fields) > MOST_KEPT:
        return
    waiting: Waiting = {
        "user": owner,
        "page": page,
        "path": request.get_full_path(),
        "fields": fields,
        "is_whole": is_whole(request),
        "at": int(timezone.now().timestamp()),
    }
    request.session[LATER] = waiting
    if not isinstance(request.user, User):
        request.session.set_expiry(KEPT_FOR_S)  # signing in sets another one


def waiting_here(request: HttpRequest) -> Waiting | None:
    """The form that waits for this person and this page. What waits for somebody else, or for too long, is thrown away."""
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


def take(request: HttpRequest) -> QueryDict | None:
    """What was typed on this page before signing in, once; the page says that it is not saved."""
    found = waiting_here(request)
    if found is None:
        return None
    drop(request)
    data = QueryDict(mutable=True)
    for name, value in found["fields"]:
        data.appendlist(name, value)
    messages.info(request, _("What you had typed before you signed in is here again. It is not saved yet."))
    return data


def names_waiting(request: HttpRequest) -> frozenset[str]:
    """The names of the fields that wait for this page."""
    found = waiting_here(request)
    return frozenset(name for name, _value in found["fields"]) if found else frozenset()


def membership_of(user: User, ended: Ended) -> Membership | None:
    """The membership that a form was made for, if the person may still work under it."""
    usable = Membership.objects.usable().filter(user=user).select_related("organization")
    return usable.filter(pk=ended["membership"]).first()


def is_secret(name: str) -> bool:
    """Whether a field of this name is never kept."""
    return name.rpartition("-")[2] not in NO_SECRETS and any(word in name.lower() for word in SECRET_WORDS)


def _unmasked(token: str) -> str:
    """The secret in a token of a form: Django adds a mask of the same length to it, character by character. Empty for any other text."""
    length, letters = CSRF_SECRET_LENGTH, CSRF_ALLOWED_CHARS
    if len(token) != 2 * length or not set(token) <= set(letters):
        return ""
    pairs = zip(token[:length], token[length:], strict=True)
    return "".join(letters[(letters.index(cipher) - letters.index(mask)) % len(letters)] for mask, cipher in pairs)
