"""Every route that takes a form is reached by a form or button of a page, and the form is taken as the page offers it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from accounts.models import User, UserSession
from accounts.scope import Role
from subscriptions.actions import returns
from tests.guards import policies
from tests.guards import routes as addresses
from tests.guards.browser import Answer, Browser, sign_in
from tests.guards.form_walker import FormWalker
from tests.guards.pages import Pairs, read
from tests.guards.routes import Route
from tests.guards.walker import WALKERS, Walker
from tests.people import NOW, PASSWORD

pytestmark = [pytest.mark.walk, pytest.mark.django_db, pytest.mark.xdist_group("posts")]
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
BUTTONS = re.compile(r'(?:hx-post|formaction)="([^"]*)"')
KNOWN = dict.fromkeys(("password", "old_password", "current"), PASSWORD) | dict.fromkeys(
    ("new_password1", "new_password2"), "another horse in another battery"
)
# Routes that answer without writing or telling anything, and what they do.
QUIET = {
    "sign-out": "ends the session, of which no table is watched",
    "site-price-preview": "shows a price preview",
    "apartment-price-preview-new": "shows a price preview", "apartment-price-preview": "shows a price preview",
    "building-preview": "shows a façade",
    "setup-terms-preview": "shows a text", "setup-privacy-preview": "shows a text",
    "subscription": "shows what was chosen",
}  # fmt: skip
# Routes whose form is on a page only at a moment that nobody of the world is at: that moment, and the template that has the form.
MOMENTS = {
    "draft-review": ("nothing stands against it", "new_site/review.html", '<form id="step-form" method="post"'),
    "bulk-change": ("something is set for apartments", "bulk/form.html", '<form id="bulk-form" method="post"'),
    "job-export": ("a list is longer than what is made at once", "export.html", "{% url 'job-export' %}"),
    "apartment-code-revoke": ("a code is open", "residents/code.html", "{% url 'apartment-code-revoke' apartment.pk %}"),
    "site-pms-enable": ("a connection waits", "pms/site.html", "{% url 'site-pms-enable' site.pk %}"),
    "site-pms-revoke": ("a site is connected", "pms/site.html", "{% url 'site-pms-revoke' site.pk %}"),
    "resident-accept": ("a member waits for a yes", "residents/form.html", "{% url 'resident-accept' resident.pk %}"),
    "apartment-restore": ("an apartment is archived", "archive/list.html", "{% url 'apartment-restore' row.pk %}"),
    "building-restore": ("a building is archived", "archive/list.html", "{% url 'building-restore' row.pk %}"),
    "site-restore": ("a site is archived", "sites/site.html", "{% url 'site-restore' site.pk %}"),
    "account-restore": ("an account is archived", "commercial/account.html", "{% url 'account-restore' account.pk %}"),
    "equipment-restore": ("a piece is archived", "equipment/detail.html", "{% url 'equipment-restore' piece.pk %}"),
    "no-renewal": ("an empty apartment renews", "differences/list.html", '<form id="act" method="post"'),
    "renew-again": ("something was just taken out", "differences/list.html", "{% url 'renew-again' %}"),
    "accept-terms": ("terms changed since", "security/accept.html", 'method="post"'),
    "sign-in-code": ("a code is owed", "security/sign_in_code.html", 'method="post"'),
    "settings-two-factor-on": ("the app was shown its code", "security/_steps.html", "{% url 'settings-two-factor-on' %}"),
    "settings-two-factor-off": ("two-factor is on", "security/_on.html", "{% url 'settings-two-factor-off' %}"),
    "settings-recovery-codes": ("two-factor is on", "security/_on.html", "{% url 'settings-recovery-codes' %}"),
    "switch-membership": ("two firms", "components/tenant.html", "{% url 'switch-membership' %}"),
    "order-assess": ("an order is under review", "orders/_timeline.html", "{% url 'order-assess' order.number %}"),
    "setup-demo-logins": ("demo logins outside the demo", "setup/_finding.html", '<form method="post" action="{{ step.url }}"'),
}  # fmt: skip
# Forms that the pages of this world are right to refuse.
REFUSED = {
    "settings-security": "no app is at hand that makes the codes",
    "device-remove": "the last required monitor stays (R19)",
    "account-switch": "as the page stands nothing is switched",
    "site-handover of subdistributor": "below Sam is one installer only, so there is nobody to offer a site to",
    **dict.fromkeys(
        ("apartment-archive", "building-archive", "site-archive"), "an open order holds something of it (R78)"
    ),
    **dict.fromkeys(("apartment-delete", "building-delete", "site-delete"), "somebody lives there (R78)"),
    "sheet-changes": "a sheet that is sent as it stands changes nothing; tests/portal/sheet/test_editing.py sends it twice",
    "user-activity of subdistributor": "below Sam is one person only, the last administrator of her firm",
}
TOLD = {"AuditEvent", "Notice"}  # what tells of a deed; of a deed that was done twice each tells of its own
# Routes that write a row each time they are asked, and why nobody is harmed.
MEANT: dict[str, str] = {}


@dataclass
class Sender(FormWalker):
    """Sends each form of a person's pages as it stands there, until its route took one."""

    reached: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    answers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    doubled: dict[str, frozenset[str]] = field(default_factory=dict)  # what of a route was there twice

    def send_all(self) -> None:
        """Every form and button of every own page."""
        for route in self.walker.routes:
            if (
                route.policy is None
                or route.policy.is_api
                or self.role not in route.policy.roles
                or None in route.kinds
            ):
                continue
            for path in self._own(route):
                for query in ("", *policies.QUERIES.get(route.name, ())):
                    self._page(f"{path}?{query}" if query else path)

    def _own(self, route: Route) -> list[str]:
        """People differ from each other in what can be done with them, other things hardly."""
        some = [
            self.walker.all_own(self.person, kind)[: 9 if kind in {"member", "handover"} else 2] for kind in route.kinds
        ]
        return list(dict.fromkeys(route.path(values) for values in product(*some)))

    def _page(self, page: str) -> None:
        answer = self.walker.browser.ask(self.person, "GET", page)
        if answer.status != 200 or "<form" not in answer.body:
            return
        forms = [form for form in read(answer.body)[0] if form.method == "post"]
        for form in forms:
            data = self._known(self._filled(form))
            for button in [None, *form.buttons]:
                self._send(page, form.action, [*data, button] if button else data)
        for action in set(BUTTONS.findall(answer.body)):
            for form in forms:
                self._send(page, action.replace("&amp;", "&"), self._known(self._filled(form)))

    def _known(self, data: Pairs) -> Pairs:
        return [(name, KNOWN.get(name, value)) for name, value in data]

    def _send(self, page: str, action: str, data: Pairs) -> None:
        to = urlsplit(urljoin(f"http://testserver{page}", action or page))
        route = self._route(to.path)
        if route is None or route.name in self.taken:
            return
        self.reached.add(route.name)
        answer = self.walker.browser.ask(self.person, "POST", f"{to.path}?{to.query}".rstrip("?"), data)
        if is_taken(route, answer):
            self.taken.add(route.name)
            address = f"{to.path}?{to.query}".rstrip("?")
            second = self.walker.browser.ask(self.person, "POST", address, data, is_second=True)
            if twice := second.grown - TOLD:
                self.doubled[route.name] = twice
        else:
            self.answers[route.name].append(f"{answer.status} {answer.flashes} to {answer.asked}")


def is_taken(route: Route, answer: Answer) -> bool:
    """A redirect that tells of a fault is none; nor is a page that comes again."""
    is_done = bool(answer.tables or answer.flashes) or route.name in QUIET
    return answer.status in {200, 302} and is_done and not answer.is_refusal


@pytest.fixture(scope="module")
def moments(browser: Browser) -> Browser:
    """Devices that can be signed out, and orders whose answer is late."""
    for person in WALKERS.values():
        key = sign_in(browser.world, person)
        UserSession.objects.filter(session_key=key).delete()  # the world has a row for it already
        UserSession.objects.filter(session_key=f"elsewhere-{person}").update(session_key=key)
    for payer in ("dora", "sam", "ivan"):
        number = str(browser.world.holdings[payer].keys["order"][0])
        actor = browser.world.person(payer).actor
        assert returns.record_returned(actor, number=number, now=NOW - timedelta(minutes=5))
    return browser


def takes_posts(walker: Walker, person: str, route: Route) -> bool:
    own = walker.addresses(person, route)[0]
    return bool(own) and walker.browser.ask(person, "POST", own[0]).status != 405


@pytest.mark.parametrize("role", [*WALKERS], ids=str)
def test_each_form_is_on_a_page_and_taken_from_there(role: Role, moments: Browser) -> None:
    walker, person = Walker(moments, addresses.routes()), WALKERS[role]
    sender = Sender(walker, person, role)
    others = User.objects.exclude(pk=moments.world.person(person).membership.user_id)
    others.update(two_factor_at=NOW)  # a second factor that can be reset
    sender.send_all()
    others.update(two_factor_at=None)
    nowhere = [
        route.name
        for route in walker.routes
        if route.policy and role in route.policy.roles and None not in route.kinds
        if route.name not in sender.reached | set(MOMENTS)
        if takes_posts(walker, person, route)
    ]
    refused = {
        name: sender.answers[name]
        for name in sender.reached - sender.taken
        if not {name, f"{name} of {role}"} & set(REFUSED)
    }
    assert nowhere == [], "takes a POST, and no page has a form for it"
    assert refused == {}, "\n".join(f"{name}: {told[:3]}" for name, told in refused.items())
    assert {name: sorted(twice) for name, twice in sender.doubled.items() if name not in MEANT} == {}
    assert len(sender.taken) > 8


@pytest.mark.parametrize("name", MOMENTS)
def test_a_form_of_a_moment_is_in_its_template(name: str) -> None:
    _when, template, form = MOMENTS[name]
    assert form in (TEMPLATES / template).read_text()
