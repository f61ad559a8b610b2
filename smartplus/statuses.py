"""The HTTP status of an action's error, for pages and API alike."""

from __future__ import annotations

from accounts.errors import ActionError, Conflict, NotPermitted
from payments.errors import GatewayUnavailable

NOT_PERMITTED, CONFLICT, UNPROCESSABLE, UNAVAILABLE = 403, 409, 422, 503
STATUS: tuple[tuple[type[ActionError], int], ...] = (
    (NotPermitted, NOT_PERMITTED),
    (Conflict, CONFLICT),
    (GatewayUnavailable, UNAVAILABLE),
)


def status_of(error: ActionError) -> int:
    """403 for a role that may not, 409 for a Conflict, 503 for a gateway that does not answer, 422 for every other refusal."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), UNPROCESSABLE)
