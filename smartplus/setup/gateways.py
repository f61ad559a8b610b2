"""Questions about the gateways: keys, and whether their messages arrive."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments import actions as payment_actions
from payments.models import EventState, GatewayEvent, GatewayKey, Payment
from payments.models import State as PaymentState
from smartplus import environment, heartbeats
from smartplus.setup.findings import COUNTED, Finding, State, Step, ago, many, page

BLOCKS, WAITS, OK = State.BLOCKS, State.WAITS, State.OK
STRIPE = "stripe"
HEARD_AFTER = timedelta(hours=1)  # a paid payment's messages come within seconds
ADDRESS = "/webhooks/stripe/"


def keys(now: datetime) -> list[Finding]:
    """Whether there are keys at all; what Stripe says of them is `answer`."""
    if settings.DEMO:
        return [
            Finding("gateway_keys", OK, _("Payment sandbox (demo)"), _("Everything works, and no real money moves."))
        ]
    if not settings.STRIPE_SECRET_KEY:
        detail = _("Set %(names)s, then restart. Until then nobody can pay by card.")
        names = {"names": "STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET"}
        return [Finding("gateway_keys", BLOCKS, _("Stripe is not set up"), detail % names)]
    if not settings.STRIPE_WEBHOOK_SECRET:
        detail = _(
            "Set STRIPE_WEBHOOK_SECRET, then restart. Until then Stripe's messages are refused, and paid orders wait."
        )
        return [Finding("gateway_keys:webhook", BLOCKS, _("Stripe's webhook has no secret"), detail)]
    return []


def answer(now: datetime) -> list[Finding]:
    """The secret key, as Stripe answered about it last."""
    return [_key(now)] if settings.STRIPE_SECRET_KEY and not settings.DEMO else []


def _key(now: datetime) -> Finding:
    known, is_live = payment_actions.last_answer(STRIPE), payment_actions.is_live(STRIPE)
    again = tuple(Step(step.label, step.url, is_post=True) for step in page(_("Check again"), "setup-again"))
    if known is None:
        return Finding(
            "gateway_keys", WAITS, _("Stripe's key is not checked yet"), _("It is checked once an hour."), again
        )
    asked = {"ago": ago(known.asked_at, now)}
    if known.answer == GatewayKey.Answer.REFUSED:
        detail = _("Asked %(ago)s. Set STRIPE_SECRET_KEY to a key of your account, then restart.") % asked
        return Finding("gateway_keys", BLOCKS, _("Stripe refuses the key"), detail, again)
    if known.answer == GatewayKey.Answer.SILENT:
        detail = _("Asked %(ago)s. Payments wait until it answers.") % asked
        return Finding("gateway_keys", WAITS, _("Stripe does not answer"), detail, again)
    if not is_live:
        state = WAITS if environment.is_loopback(settings.SITE_URL) else BLOCKS
        detail = _("A test card would switch on real services, and no money comes. Set a live key.")
        return Finding("gateway_keys", state, _("Stripe's key is a test key"), detail, again)
    account = _short(known.account) or _("not told")
    detail = _("Live mode, account %(account)s, checked %(ago)s.") % {"account": account, **asked}
    return Finding("gateway_keys", OK, _("Stripe keys"), detail, again)


def webhook(now: datetime) -> list[Finding]:
    """Whether Stripe's messages arrive: without them a paid order waits for the janitor."""
    if not settings.STRIPE_SECRET_KEY or not settings.STRIPE_WEBHOOK_SECRET:
        return []  # nothing to hear, which is said already
    events, log = GatewayEvent.objects.filter(gateway=STRIPE), page(_("Webhook log"), "webhook-list")
    last = events.order_by("-pk").values_list("received_at", flat=True).first()
    refused = heartbeats.last(heartbeats.Sign.BAD_SIGNATURE)
    if refused and (last is None or refused > last):
        detail = _(
            "%(ago)s a message was refused: either STRIPE_WEBHOOK_SECRET is not that of this endpoint, or a stranger knocked."
        )
        title = _("The webhook's signature was wrong")
        return [
            Finding("webhook", WAITS if last else BLOCKS, title, detail % {"ago": ago(refused, now).capitalize()}, log)
        ]
    if last is None:
        paid = Payment.objects.filter(gateway=STRIPE, state=PaymentState.SUCCEEDED, updated_at__lt=now - HEARD_AFTER)
        state = BLOCKS if paid.exists() else WAITS
        detail = _("At Stripe, point a webhook at %(url)s.") % {"url": f"{settings.SITE_URL}{ADDRESS}"}
        return [Finding("webhook", state, _("Stripe's webhook was never heard"), detail, log)]
    day = events.filter(received_at__gt=now - timedelta(hours=24))
    count = _counted(day)
    failed = _counted(day.filter(state=EventState.FAILED))
    counted = ngettext(
        "In 24 hours: %(n)s event, %(failed)s failed.", "In 24 hours: %(n)s events, %(failed)s failed.", count
    )
    detail = _("Last event %(ago)s, signature good.") % {"ago": ago(last, now)}
    words = counted % {"n": many(count), "failed": many(failed)}
    return [Finding("webhook", OK, _("Stripe's webhook is heard"), f"{detail} {words}", log)]


def _short(account: str) -> str:
    """Enough of an account's name to know it again."""
    return f"{account[:7]}…{account[-3:]}" if len(account) > 12 else account


def _counted(found: object) -> int:
    return int(found.order_by()[:COUNTED].count())  # type: ignore[attr-defined]
