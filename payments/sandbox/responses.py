"""Answers of the sandbox's API: results, refusals, pages of a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from payments.sandbox import objects
from payments.sandbox.store import Json, new_id

INVALID = "invalid_request_error"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API; with `is_silent` nothing is sent."""

    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False


class Problem(Exception):
    """A request that Stripe would refuse."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(status, objects.error(INVALID, message, code=code, param=param))


def missing(kind: str, ref: str, param: str, *, status: int = 404) -> Problem:
    """The refusal for an object that does not exist: 404 where the path named it, 400 where a parameter did."""
    return Problem(status, f"No such {kind}: '{ref}'", code="resource_missing", param=param)


def listed(url: str, rows: Iterable[Json], params: Json) -> Answer:
    """A page of rows made since `created[gte]`, newest first; `rows` come in the order in which they were made."""
    since = int((params.get("created") or {}).get("gte", 0))
    limit = min(int(params.get("limit", 10)), 100)
    found = [row for row in reversed(list(rows)) if row["created"] >= since]
    if after := params.get("starting_after"):
        ids = [row["id"] for row in found]
        found = found[ids.index(after) + 1 :] if after in ids else []
    return Answer(200, {"object": "list", "url": url, "has_more": len(found) > limit, "data": found[:limit]})


def request_id(status: int) -> dict[str, str]:
    """Headers of an answer, with an id of the request; the same key can return the same answer again."""
    headers = {"Request-Id": new_id("req_", 14)}
    # Stripe asks its SDKs not to repeat a stored 500: the same key can only return the same answer
    return headers | {"Stripe-Should-Retry": "false"} if status >= 500 else headers
