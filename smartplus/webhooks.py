"""The addresses for webhooks: verify, store, answer. What an event means is read later from the gateway itself (R50)."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import events
from payments.errors import BadSignature, GatewayCant, TooLarge, UnknownGateway
from smartplus import access, heartbeats, jobs

log = logging.getLogger("smartplus.webhooks")


@access.public
@csrf_exempt
@require_POST
def receive(request: HttpRequest, gateway: str) -> HttpResponse:
    """Receive an event of a gateway: 200 when stored (or known already), 400 when not genuine, 413 when too large.

    404 where no such gateway sends messages. 503 asks the gateway to send it again when the database can't be reached; nothing here returns
    500.
    """
    try:
        is_new = events.receive(
            gateway, request.read(settings.WEBHOOK_MAX_BYTES + 1), request.headers, now=timezone.now()
        )
    except (UnknownGateway, GatewayCant) as nobody:
        raise Http404 from nobody
    except BadSignature:
        heartbeats.note(
            heartbeats.Sign.BAD_SIGNATURE, now=timezone.now()
        )  # no statement, and at most one write every ten seconds
        return HttpResponse("bad signature\n", status=400, content_type="text/plain")
    except TooLarge:
        return HttpResponse("too large\n", status=413, content_type="text/plain")
    except DatabaseError:
        log.exception("an event could not be written down")
        return HttpResponse("try again\n", status=503, content_type="text/plain")
    if is_new:
        jobs.hurry("gateway_events")
    return HttpResponse("ok\n", content_type="text/plain")
