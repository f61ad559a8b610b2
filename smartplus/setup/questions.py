"""The list of questions, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http.request import validate_host
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import mail_state
from smartplus import demo, environment, heartbeats
from smartplus.setup import gateways, prices, texts
from smartplus.setup.findings import Finding, State, Step, ago, page

BLOCKS, WAITS, OK = State.BLOCKS, State.WAITS, State.OK


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` returns findings at an instant. With `stops` a blocking finding makes `/readyz` fail. A question with `is_running` needs a
    running portal, so `check --deploy` leaves it out."""

    key: str
    ask: Callable[[datetime], list[Finding]]
    needs_database: bool = True
    stops: bool = False
    is_running: bool = False


def look(now: datetime, *, only: Callable[[Question], bool] = lambda question: True) -> list[Finding]:
    """The findings of all questions, the worst first, otherwise in the order of the questions."""
    found = [finding for question in QUESTIONS if only(question) for finding in question.ask(now)]
    return sorted(found, key=lambda finding: finding.state)


def demo_logins(now: datetime) -> list[Finding]:
    """The demo's logins, whose password is public."""
    if settings.DEMO:
        detail = _("This is the demo: everybody may sign in as one of them. A real installation has none.")
        return [Finding("demo_logins", OK, _("Demo logins (demo)"), detail)]
    count = demo.active_logins().count()
    if not count:
        return [Finding("demo_logins", OK, _("No demo logins"), _("Nobody of the demo can sign in here."))]
    title = ngettext("%(n)s demo login can sign in", "%(n)s demo logins can sign in", count) % {"n": count}
    label = ngettext("Deactivate it", "Deactivate all %(n)s", count) % {"n": count}
    asked = _("They are taken out of every firm at once, and their sessions end.")
    steps = (
        *page(_("Show them"), "search", urlencode({"q": demo.DOMAIN})),
        *(
            Step(label, step.url, is_post=True, is_main=True, confirm=asked)
            for step in page(label, "setup-demo-logins")
        ),
    )
    return [Finding("demo_logins", BLOCKS, title, _("Their password is printed in the manual."), steps)]


def address(now: datetime) -> list[Finding]:
    """The public address, and whether traffic to it is encrypted."""
    site, host = settings.SITE_URL, urlsplit(settings.SITE_URL).hostname or ""
    title = _("Address and https")
    if settings.DEBUG:
        detail = _("Set DEBUG to false, then restart. Until then whoever causes an error reads the program's insides.")
        return [Finding("address", BLOCKS, _("DEBUG is on"), detail)]
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        detail = _("ALLOWED_HOSTS does not hold %(host)s, so SITE_URL leads to a refusal.") % {"host": host or "–"}
        return [Finding("address", BLOCKS, title, detail)]
    if "*" in settings.ALLOWED_HOSTS:
        detail = _("ALLOWED_HOSTS holds *: links in mails can be made to lead elsewhere. Name the hosts.")
        return [Finding("address", BLOCKS, title, detail)]
    if site.startswith("https://"):
        if not settings.BEHIND_PROXY:
            detail = _("SITE_URL is https, which only a proxy can give. Put one in front and set BEHIND_PROXY to true.")
            return [Finding("address", BLOCKS, title, detail)]
        detail = _("%(site)s, cookies are secure, the host list is closed.") % {"site": site}
        return [Finding("address", OK, title, detail)]
    if environment.is_loopback(site):
        detail = _("%(site)s: reached on this machine only.") % {"site": site}
        return [Finding("address", OK, title, detail)]
    detail = _("Passwords would travel in the clear. Put a proxy in front and make SITE_URL https.")
    return [Finding("address", BLOCKS, _("SITE_URL is not https"), detail)]


def mail(now: datetime) -> list[Finding]:
    """Whether mail can be sent at all: invitations and password resets need it."""
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        if settings.DEMO:
            return [Finding("mail", OK, _("Mail"), _("Printed on the terminal of the demo."))]
        return [Finding("mail", BLOCKS, _("Mail is only printed"), _set("EMAIL_URL", "DEFAULT_FROM_EMAIL"))]
    if not settings.MAIL_IS_SET_UP:
        detail = _("Until then no invitation arrives, no receipt and no reset of a password.")
        return [Finding("mail", BLOCKS, _("Mail is not set up"), f"{_set('EMAIL_URL', 'DEFAULT_FROM_EMAIL')} {detail}")]
    return []


def outbox(now: datetime) -> list[Finding]:
    """Whether mail was sent."""
    if mail(now):
        return []  # `mail` reports it already
    steps = tuple(Step(step.label, step.url, is_post=True) for step in page(_("Send me a test"), "setup-test-mail"))
    sender, seen = settings.DEFAULT_FROM_EMAIL, mail_state.look()
    if seen.failing:
        detail = _("Last failure %(ago)s: %(error)s") % {"ago": ago(seen.failed_at, now), "error": seen.error}
        return [Finding("mail", BLOCKS, _("Mail can't be delivered"), detail, steps)]
    if seen.sent_at is None:
        detail = _("From %(sender)s. Nothing was sent yet.") % {"sender": sender}
        return [Finding("mail", WAITS, _("Mail is not tried out"), detail, steps)]
    detail = _("From %(sender)s, last sent %(ago)s.") % {"sender": sender, "ago": ago(seen.sent_at, now)}
    return [Finding("mail", OK, _("Mail"), detail, steps)]


def background(now: datetime) -> list[Finding]:
    """Beat and worker: without them nothing renews, no mail is sent and lost webhooks stay lost."""
    life, ages = heartbeats.signs_of_life(now=now)
    dead = [name for name, is_well in life.items() if not is_well]
    steps = page(_("Background work"), "failure-list")
    if not dead:
        detail = _("Heard %(n)s seconds ago.") % {"n": max(age or 0 for age in ages.values())}
        return [Finding("background", OK, _("Worker and beat"), detail)]
    titles = {"beat": _("Beat gives no sign of life"), "worker": _("No worker works")}
    what = _("Nothing renews and no mail goes out until it is started again; nothing is lost meanwhile.")
    return [Finding(f"background:{name}", BLOCKS, titles[name], what, steps) for name in dead]


def _set(*names: str) -> str:
    return _("Set %(names)s, then restart.") % {"names": ", ".join(names)}


# In the order of setting up: first what lets strangers in, then money, then the rest.
QUESTIONS: tuple[Question, ...] = (
    Question("demo_logins", demo_logins, stops=True),
    Question("address", address, needs_database=False),
    Question("gateway_keys", gateways.keys, needs_database=False),
    Question("gateway_answer", gateways.answer),
    Question("webhook", gateways.webhook),
    Question("prices", prices.prices),
    Question("texts", texts.published),
    Question("seller", texts.sold_by),
    Question("mail", mail, needs_database=False),
    Question("outbox", outbox),
    Question("background", background, needs_database=False, is_running=True),
)
