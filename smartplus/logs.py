"""Log lines: JSON in production, text elsewhere; each with the id of its request, without secrets or personal data."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from smartplus.redaction import redacted

# The fields that a record may have besides its message; other `extra` fields are not logged.
FIELDS = ("method", "path", "status", "duration_ms", "user_id", "organization_id", "task")
WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_id() -> str:
    """The id of the present request (or of the task it started); empty outside of both."""
    return _request_id.get()


def new_id() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def is_well_formed(given: str) -> bool:
    """Whether an id from outside may be logged: 8 to 64 letters, digits and hyphens."""
    return WELL_FORMED.fullmatch(given) is not None


@contextmanager
def working_on(request_id: str) -> Iterator[None]:
    """Every line written inside has this id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def route_of(request: Any) -> str:
    """The pattern of the route, never the address: addresses contain numbers, tokens and typed text."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no route)"


class PlainFormatter(logging.Formatter):
    """Text for the terminal of the demo and of development."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, id, message, and the traceback below. The record is not changed, since other handlers read it too."""
        head = f"{self.formatTime(record)} {record.levelname} {record.name} [{_id_of(record) or '-'}] {_message_of(record)}"
        return "\n".join(part for part in (head, _traceback_of(record)) if part)


class JsonFormatter(logging.Formatter):
    """One JSON object for each line; times are UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """`time level logger message request_id`, the FIELDS it carries, `exception_type` and `exception` if there is one."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message_of(record),
            "request_id": _id_of(record),
        }
        for name in FIELDS:
            if (value := getattr(record, name, None)) is not None:
                line[name] = value if isinstance(value, int | float) else redacted(str(value))
        if record.exc_info and record.exc_info[0]:
            line["exception_type"] = f"{record.exc_info[0].__module__}.{record.exc_info[0].__qualname__}"
        if traceback := _traceback_of(record):
            line["exception"] = traceback
        return json.dumps(line, ensure_ascii=False)


def _id_of(record: logging.LogRecord) -> str:
    """Django logs refused requests after the middleware has ended; then the request itself has its id."""
    return current_id() or str(getattr(getattr(record, "request", None), "request_id", ""))


def _message_of(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:  # a wrong placeholder: logging would print the raw arguments, which may be secret
        text = f"{record.msg} (its arguments do not fit)"
    request = getattr(record, "request", None)
    path = str(getattr(request, "path", ""))
    if len(path) > 1:
        for written in (path, path.encode("unicode_escape").decode("ascii")):  # Django escapes what it logs
            text = text.replace(written, route_of(request))
    return redacted(text).replace("\r", "\\r").replace("\n", "\\n")  # one record is one line, whatever text it contains


def _traceback_of(record: logging.LogRecord) -> str:
    """Formatted again, since another handler may have stored an unredacted one in the record."""
    parts = [logging.Formatter().formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
    if record.exc_text and not parts:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return redacted("\n".join(parts))
