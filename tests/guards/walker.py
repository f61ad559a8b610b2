"""The tenancy walker: every route as every role, with own, foreign and absent things, in addresses, forms and queries (R1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import parse_qs, urlsplit

from accounts.scope import Role
from tests.guards import policies
from tests.guards.browser import Answer, Browser
from tests.guards.policies import REACHES
from tests.guards.routes import Route
from tests.guards.world import Key, World, absent

WALKERS = {
    Role.OPERATOR: "olga",
    Role.DISTRIBUTOR: "dora",
    Role.SUBDISTRIBUTOR: "sam",
    Role.INSTALLER: "ivan",
    Role.TECHNICIAN: "tess",
    Role.MANAGER: "petra",
}
FINE = {200, 302, 405, 409, 422}  # how an own page may answer
METHODS = (("GET", False), ("HEAD", False), ("POST", False), ("GET", True), ("POST", True))


@dataclass
class Walker:
    """Walks; what is wrong is gathered in `faults`, so that one run tells everything."""

    browser: Browser
    routes: Sequence[Route]
    faults: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        """The world it walks in."""
        return self.browser.world

    def fault(self, answer: Answer, text: str) -> None:
        """Note what is wrong with an answer."""
        found = f"{answer.asked}: {text}" + (f" ({answer.problem})" if answer.problem else "")
        if found not in self.faults:
            self.faults.append(found)

    def own(self, person: str, kind: str | None) -> Key | None:
        """The person's own thing of a kind, if there is one."""
        return next(iter(self.all_own(person, kind)), None)

    def all_own(self, person: str, kind: str | None) -> list[Key]:
        """All keys of a kind that the person has."""
        if kind in policies.NOBODYS:
            return [policies.NOBODYS[kind]]
        held = [self.world.holdings[name].keys.get(kind or "", []) for name in REACHES[person].own]
        return [key for keys in held for key in keys]

    def beyond(self, person: str, kind: str | None) -> list[Key]:
        """Things of a kind that the person may not know of: one of somebody else in the same tree, one of the other tree."""
        own = self.all_own(person, kind)
        found: dict[bool, Key] = {}
        for name, kinds in REACHES[person].beyond:
            for key in self.world.holdings[name].keys.get(kind or "", [])[:1]:
                if (kinds is None or kind in kinds) and key not in own:
                    found.setdefault(name in policies.OTHER_TREE, key)
        return list(found.values())

    def addresses(self, person: str, route: Route) -> tuple[list[str], list[str], str]:
        """Own ones (several orders look different), those beyond, and one of what never was."""
        kinds = route.kinds
        if not kinds:
            return [route.path([])], [], ""
        own = [self.all_own(person, kind)[: 2 if kind in {"order", "entry"} else 1] for kind in kinds]
        if set(kinds) <= set(policies.NOBODYS):
            return [route.path([keys[0] for keys in own])], [], ""
        beyond = [route.path(values) for values in product(*(self.beyond(person, kind) for kind in kinds))]
        some = [self._some(kind) for kind in kinds]
        return [route.path(values) for values in product(*own)], beyond, route.path([absent(key) for key in some])

    def _some(self, kind: str | None) -> Key:
        """A thing of a kind, whosever."""
        if kind in policies.NOBODYS:
            return policies.NOBODYS[kind]
        return next(
            keys[kind][0] for held in self.world.holdings.values() if kind in (keys := held.keys) and keys[kind]
        )

    def look(self, person: str | None, answer: Answer) -> Answer:
        """What holds for every answer there is."""
        if answer.status >= 500 and answer.status not in policies.UNWELL.get(self._name(answer), set()):
            self.fault(answer, f"answers {answer.status}")
        for row in answer.leaks:
            self.fault(answer, row)
        if person:
            for word in policies.words_hidden_from(person):
                if word in answer.text:
                    at = answer.text.index(word)
                    self.fault(answer, f"shows {word!r}: …{answer.text[max(0, at - 60) : at + 40]!r}…")
        return answer

    def _name(self, answer: Answer) -> str:
        path = answer.asked.split()[-1]
        return next((route.name for route in self.routes if "/" + route.pattern == path), "")

    def walk_addresses(self, role: Role | None, person: str | None) -> None:
        """Part one: the addresses."""
        for route in self.routes:
            policy = route.policy
            if policy is None or None in route.kinds:
                continue  # told by routes.faults
            if policy.is_public:
                self._walk_public(person, route)
            elif policy.is_api:
                self._walk_api(person, route)
            elif person is None or role is None:
                self._walk_as_stranger(route)
            elif role in policy.roles:
                self._walk_as_member(person, route)
            else:
                self._walk_without_right(person, route)

    def _walk_public(self, person: str | None, route: Route) -> None:
        values = [policies.NOBODYS.get(kind or "", "") for kind in route.kinds]
        for method, htmx in METHODS:
            answer = self.look(person, self.browser.ask_once(person, method, route.path(values), htmx=htmx))
            if answer.status not in FINE | {400} | policies.UNWELL.get(route.name, set()):
                self.fault(answer, f"answers {answer.status}, though it is public")

    def _walk_api(self, person: str | None, route: Route) -> None:
        """Programs: without a token 401, also in a session; with one the own things, and beyond them nothing."""
        if route.name in policies.API_SENT:
            self._walk_sent(person, route)
            return
        own, beyond, never = self.addresses(person or "dora", route)
        paths = [*own[:1], *beyond, *filter(None, [never])]
        shut = [self.look(person, self.browser.ask_once(person, "GET", path)) for path in paths]
        for answer in shut:
            if (answer.status, answer.raw) != (401, shut[0].raw) or answer.tables:
                self.fault(answer, f"answers {answer.status} without a token, wrote {sorted(answer.tables)}")
        if person is None:
            return
        token = self.world.api_tokens[person]

        def ask(method: str, path: str) -> Answer:
            return self.look(person, self.browser.ask_once(person, method, path, token=token))

        for path in own:
            if (answer := ask("GET", path)).status not in {200, *policies.API_PLEAS.get((person, route.name), ())}:
                self.fault(answer, f"answers {answer.status}, though it is {person}'s own")
            if (answer := ask("POST", path)).status != 405 or answer.tables - {"accounts_apitoken"}:
                self.fault(answer, f"answers {answer.status} and writes {sorted(answer.tables)}, though it only reads")
            for query in ("after=1", "after=²", "after=" + "9" * 25, "limit=0", "limit=x", "limit=999"):
                ask("GET", f"{path}?{query}")
        if never:
            absent_one = ask("GET", never)
            for answer in (absent_one, *(ask("GET", path) for path in beyond)):
                if (answer.status, answer.raw) != (absent_one.status, absent_one.raw) or answer.status not in {
                    403,
                    404,
                }:
                    self.fault(answer, f"answers {answer.status}: is told apart from what never was")

    def _walk_sent(self, person: str | None, route: Route) -> None:
        """A call with a token of its own: 401 without one, and with that of a person."""
        for token in filter(None, ["nonsense", self.world.api_tokens.get(person or "")]):
            answer = self.look(person, self.browser.ask_once(person, "POST", route.path([]), token=token))
            if answer.status != 401 or answer.tables - {"accounts_apitoken"}:
                self.fault(answer, f"answers {answer.status} and writes {sorted(answer.tables)}")

    def _walk_as_stranger(self, route: Route) -> None:
        """Anonymous: sent to the sign-in page and back to nowhere but here; whether the thing exists makes no difference."""
        own, beyond, never = self.addresses("dora", route)
        for method, htmx in METHODS:
            for path in filter(None, [*own[:1], *beyond[:1], never]):
                answer = self.look(None, self.browser.ask_once(None, method, f"{path}?next=//evil.example/", htmx=htmx))
                if htmx:
                    to = urlsplit(answer.headers.get("X-Sign-In", ""))
                    if (answer.status, to.netloc, to.path, answer.body) != (401, "", "/sign-in/", ""):
                        self.fault(answer, f"answers {answer.status} instead of 401 with the way to the sign-in page")
                    continue
                address = urlsplit(answer.headers.get("Location", ""))
                after = parse_qs(address.query).get("next", [""])[0]
                if answer.status != 302 or address.netloc or not address.path.startswith("/sign-in/"):
                    self.fault(
                        answer, f"answers {answer.status} {answer.headers.get('Location')} instead of the sign-in page"
                    )
                if not after.startswith(path) or answer.tables:
                    self.fault(answer, f"leads on to {after}")

    def _walk_without_right(self, person: str, route: Route) -> None:
        """A role that may not: 403 whatever the address names, before anything was read or written."""
        own, beyond, never = self.addresses(person, route)
        paths = [*(own[:1] or [never]), *beyond[-1:], never]
        for method, htmx in (("GET", False), ("POST", False)):
            answers = [
                self.look(person, self.browser.ask_once(person, method, path, htmx=htmx))
                for path in filter(None, paths)
            ]
            for answer in answers:
                if answer.status != 403 or answer.tables:
                    self.fault(answer, f"answers {answer.status} instead of 403, wrote {sorted(answer.tables)}")
                if answer.alike(*paths) != answers[0].alike(*paths):
                    self.fault(answer, f"is told apart from {answers[0].asked}")

    def _walk_as_member(self, person: str, route: Route) -> None:
        """A role that may: its own answers, what lies beyond is not there."""
        own, beyond, never = self.addresses(person, route)
        if not own:
            self.faults.append(
                f"/{route.pattern}: {person} has nothing to try it with: build it in tests/guards/world.py"
            )
            return
        usual: set[tuple[str, bool]] = set()
        for method, htmx in METHODS:
            for path in own:
                answer = self.look(person, self.browser.ask_once(person, method, path, htmx=htmx))
                if answer.status not in FINE | policies.PLEAS.get(route.name, set()):
                    self.fault(answer, f"answers {answer.status}, though it is {person}'s own")
                if answer.status != 405:
                    usual.add((method, htmx))
        if not usual:
            self.faults.append(f"/{route.pattern}: answers {person} nothing but 405")
        if never:
            for method, htmx in METHODS:
                some = beyond if method == "GET" and not htmx else beyond[-1:]
                self.compare(person, method, some, never, [], htmx=htmx, status=404 if (method, htmx) in usual else 405)

    def compare(
        self,
        person: str,
        method: str,
        beyond: Sequence[str],
        never: str,
        data: list[tuple[str, str]],
        *,
        htmx: bool = False,
        status: int = 404,
    ) -> None:
        """What lies beyond and what never was: the same bytes, the same headers, nothing written."""
        wanted = self.look(person, self.browser.ask_once(person, method, never, data, htmx=htmx))
        for answer in (
            wanted,
            *(self.look(person, self.browser.ask_once(person, method, path, data, htmx=htmx)) for path in beyond),
        ):
            if answer.status != status:
                self.fault(answer, f"answers {answer.status} instead of {status}")
            if (answer.raw, answer.headers, answer.cookies) != (wanted.raw, wanted.headers, wanted.cookies):
                self.fault(answer, "is told apart from what never was")
            if answer.tables or answer.flashes:
                self.fault(answer, f"wrote {sorted(answer.tables)}, told {answer.flashes}")

    def pages(self, person: str, role: Role) -> Iterator[tuple[Route, str]]:
        """The person's own addresses."""
        for route in self.routes:
            if route.policy and role in route.policy.roles and None not in route.kinds:
                for path in self.addresses(person, route)[0]:
                    for query in ("", *policies.QUERIES.get(route.name, ())):
                        yield route, f"{path}?{query}" if query else path
