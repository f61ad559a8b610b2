"""The outermost middleware: every request gets an id and one line in the access log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from smartplus import logs

log = logging.getLogger("smartplus.requests")


class NamedRequest(HttpRequest):
    """A request with the id of its log lines."""

    request_id: str


class RequestMiddleware:
    """Sets the id of the request, returns it in X-Request-ID, and writes the access line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: NamedRequest) -> HttpResponse:
        """Process the request under its id. Its language and time zone are reset after it, since a thread serves other people next."""
        started = time.monotonic()
        request_id = _id_for(request)
        request.request_id = request_id
        with (
            logs.working_on(request_id),
            translation.override(settings.LANGUAGE_CODE, deactivate=True),
            timezone.override(None),
        ):
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            _write_line(request, response, round((time.monotonic() - started) * 1000, 1))
        return response


def _id_for(request: HttpRequest) -> str:
    """The proxy's id, if there is a trusted proxy; any other would let strangers write into our logs."""
    given = request.headers.get("X-Request-ID", "") if settings.BEHIND_PROXY else ""
    return given if logs.is_well_formed(given) else logs.new_id()


def _write_line(request: HttpRequest, response: HttpResponse, duration_ms: float) -> None:
    is_file = request.path.startswith(settings.STATIC_URL)
    path = settings.STATIC_URL if is_file else logs.route_of(request)
    actor = getattr(request, "actor", None)  # reading the user would cost a statement
    fields = {
        "method": request.method if request.method in _METHODS else "(other)",
        "path": path,
        "status": response.status_code,
        "duration_ms": duration_ms,
        "user_id": actor.user_id if actor else None,
        "organization_id": actor.organization_id if actor else None,
    }
    log.log(
        logging.DEBUG if is_file else logging.INFO,
        "%(method)s %(path)s %(status)s %(duration_ms)s ms",
        fields,
        extra=fields,
    )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
