"""Files of long lists: the job asks the view of the list once more, with the rights that the person has then, and keeps the file it answers."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.http import FileResponse, QueryDict, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from accounts.errors import NotPermitted, Refused
from accounts.long_jobs import Running
from accounts.models import LongJob
from accounts.scope import Actor
from smartplus.access import JobRequest, policy_of

SALT, OFFERED_S = "smartplus.export", 24 * 3600
ADDRESS = "address"  # the parameter: path and query of the list


def run(running: Running) -> None:
    """Make the file and keep it. Refuses an address that answers no file now."""
    request = _request(running)
    try:
        match = resolve(request.path)
    except Resolver404 as unknown:
        raise Refused(_("There is no such list any more.")) from unknown
    if running.actor.role not in policy_of(match.func).roles:
        raise NotPermitted
    request.resolver_match = match
    response = match.func(request, *match.args, **match.kwargs)
    disposition = response.headers.get("Content-Disposition", "")
    if not isinstance(response, StreamingHttpResponse | FileResponse) or "filename=" not in disposition:
        raise Refused(_("This list answers no file any more."))
    name = disposition.partition('filename="')[2].partition('"')[0]
    pieces: Iterable[bytes] = response.streaming_content  # type: ignore[assignment]  # none of ours is asynchronous
    try:
        running.keep_file(name, response.headers["Content-Type"], pieces)
    finally:
        for close in response._resource_closers:  # type: ignore[attr-defined]  # not `response.close`, which ends a request and its connections
            close()


def token_for(actor: Actor, address: str) -> str:
    """A word that names a list whose file this person was offered, for a day."""
    return signing.dumps([actor.membership_id, address], salt=SALT)


def address_in(actor: Actor, token: str) -> str:
    """The address that a token of this person names. Refuses what is too old, or nobody's or somebody else's."""
    try:
        membership_id, address = signing.loads(token, salt=SALT, max_age=OFFERED_S)
    except (signing.BadSignature, ValueError, TypeError):
        membership_id, address = 0, ""
    if not address or membership_id != actor.membership_id:
        raise Refused(_("This page is too old. Open the list again and ask for its file."))
    return str(address)


def page_of(job: LongJob) -> str:
    """The address of the list that the file is of."""
    path, query = _split(job)
    for name in ("format", "after", "before"):
        query.pop(name, None)
    return f"{path}?{query.urlencode()}" if query else path


def address_of(path: str, query: QueryDict, file: str) -> str:
    """The address that makes this kind of file of this list."""
    kept = [
        (name, value) for name, values in query.lists() if name not in {"format", "after", "before"} for value in values
    ]
    return f"{path}?{urlencode([*kept, ('format', file)])}"


def _split(job: LongJob) -> tuple[str, QueryDict]:
    parts = urlsplit(str(job.parameters[ADDRESS]))
    return parts.path, QueryDict(parts.query, mutable=True)


def _request(running: Running) -> JobRequest:
    """A request as the person would make it now; it has no session, no cookies and nobody who waits."""
    path, query = _split(running.job)
    membership = running.job.membership
    request = JobRequest()
    request.method, request.path, request.path_info = "GET", path, path
    request.GET = query  # type: ignore[assignment]  # that it could be changed changes nothing for views
    request.META = {"REQUEST_METHOD": "GET", "QUERY_STRING": query.urlencode(), "HTTP_HOST": settings.ALLOWED_HOSTS[0]}
    request.session = SessionBase()
    request.user, request.membership, request.actor = membership.user, membership, running.actor
    request.now = running.at()
    request.htmx = HtmxDetails(request)
    request.running = running
    return request
