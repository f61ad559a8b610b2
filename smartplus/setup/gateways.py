"""Questions about each gateway: its key, and whether its messages arrive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments import actions as payment_actions
from payments.models import EventState, GatewayEvent, GatewayKey, Payment
from payments.models import State as PaymentState
from smartplus import environment, heartbeats
from smartplus.setup.findings import COUNTED, Finding, State, Step, ago, many, page

BLOCKS, WAITS, OK = State.BLOCKS, State.WAITS, State.OK
HEARD_AFTER = timedelta(hours=1)  # messages about a payment arrive within seconds


def keys(now: datetime) -> list[Finding]:
    """Whether there are keys at all; `answer` has what each gateway says of its key."""
    if settings.DEMO:
        return [
            Finding("gateway_keys", OK, _("Payment sandbox (demo)"), _("Everything works, and no real money moves."))
        ]
    found = []
    for gateway in payment_actions.set_up():
        named = {"gateway": gateway.label, "names": ", ".join(gateway.settings), "name": gateway.event_setting}
        if gateway.missing_setting:
            detail = _("Set %(names)s, then restart. Until then nobody can pay by card.") % named
            found.append(Finding(_key("gateway_keys", gateway), BLOCKS, _("%(gateway)s is not set up") % named, detail))
        elif gateway.event_setting and not gateway.can_verify:
            detail = _(
                "Set %(name)s, then restart. Until then %(gateway)s's messages are refused, and paid orders wait."
            )
            title = _("%(gateway)s's webhook has no secret") % named
            found.append(Finding(_key("gateway_keys:webhook", gateway), BLOCKS, title, detail % named))
    return found


def answer(now: datetime) -> list[Finding]:
    """What each gateway answered about its key last."""
    if settings.DEMO:
        return []
    return [_answer(gateway, now) for gateway in payment_actions.set_up() if not gateway.missing_setting]


def _answer(gateway: payment_actions.SetUp, now: datetime) -> Finding:
    known, key = payment_actions.last_answer(gateway.name), _key("gateway_keys", gateway)
    again = tuple(Step(step.label, step.url, is_post=True) for step in page(_("Check again"), "setup-again"))
    named = {"gateway": gateway.label, "name": ", ".join(gateway.key_settings)}
    if known is None:
        title = _("%(gateway)s's key is not checked yet") % named
        return Finding(key, WAITS, title, _("It is checked once an hour."), again)
    asked = {"ago": ago(known.asked_at, now)} | named
    if known.answer == GatewayKey.Answer.REFUSED:
        detail = _("Asked %(ago)s. Set %(name)s to a key of your account, then restart.") % asked
        return Finding(key, BLOCKS, _("%(gateway)s refuses the key") % named, detail, again)
    if known.answer == GatewayKey.Answer.SILENT:
        detail = _("Asked %(ago)s. Payments wait until it answers.") % asked
        return Finding(key, WAITS, _("%(gateway)s does not answer") % named, detail, again)
    if not payment_actions.is_live(gateway.name):
        state = WAITS if environment.is_loopback(settings.SITE_URL) else BLOCKS
        detail = _("A test card would switch on real services, and no money comes. Set a live key.")
        return Finding(key, state, _("%(gateway)s's key is a test key") % named, detail, again)
    account = _short(known.account) or _("not told")
    detail = _("Live mode, account %(account)s, checked %(ago)s.") % {"account": account, **asked}
    return Finding(key, OK, _("%(gateway)s keys") % named, detail, again)


def webhook(now: datetime) -> list[Finding]:
    """Whether each gateway's messages arrive; without them a paid order waits for `reconcile_stale_payments`."""
    heard = [gateway for gateway in payment_actions.set_up() if not gateway.missing_setting and gateway.can_verify]
    return [_heard(gateway, now) for gateway in heard]  # gateways without a key are reported by `keys`


def _heard(gateway: payment_actions.SetUp, now: datetime) -> Finding:
    events, log = GatewayEvent.objects.filter(gateway=gateway.name), page(_("Webhook log"), "webhook-list")
    key, named = _key("webhook", gateway), {"gateway": gateway.label, "name": gateway.event_setting}
    last = events.order_by("-pk").values_list("received_at", flat=True).first()
    refused = heartbeats.last(heartbeats.Sign.BAD_SIGNATURE)
    if refused and (last is None or refused > last):
        detail = _(
            "%(ago)s a message was refused: either %(name)s is not that of this endpoint, or a stranger knocked."
        ) % {"ago": ago(refused, now).capitalize(), **named}
        return Finding(key, WAITS if last else BLOCKS, _("The webhook's signature was wrong"), detail, log)
    if last is None:
        paid = Payment.objects.filter(
            gateway=gateway.name, state=PaymentState.SUCCEEDED, updated_at__lt=now - HEARD_AFTER
        )
        state = BLOCKS if paid.exists() else WAITS
        url = f"{settings.SITE_URL}/webhooks/{gateway.name}/"
        detail = _("At %(gateway)s, point a webhook at %(url)s.") % {"url": url, **named}
        return Finding(key, state, _("%(gateway)s's webhook was never heard") % named, detail, log)
    day = events.filter(received_at__gt=now - timedelta(hours=24))
    count = _counted(day)
    failed = _counted(day.filter(state=EventState.FAILED))
    counted = ngettext(
        "In 24 hours: %(n)s event, %(failed)s failed.", "In 24 hours: %(n)s events, %(failed)s failed.", count
    )
    detail = _("Last event %(ago)s, signature good.") % {"ago": ago(last, now)}
    words = counted % {"n": many(count), "failed": many(failed)}
    return Finding(key, OK, _("%(gateway)s's webhook is heard") % named, f"{detail} {words}", log)


def _key(area: str, gateway: payment_actions.SetUp) -> str:
    """A finding's key; it names the gateway only if there are several."""
    return area if gateway.is_only else f"{area}:{gateway.name}"


def _short(account: str) -> str:
    """The part of an account's id that is enough to recognize it."""
    return f"{account[:7]}…{account[-3:]}" if len(account) > 12 else account


def _counted(found: QuerySet[Any]) -> int:
    return found.order_by()[:COUNTED].count()
