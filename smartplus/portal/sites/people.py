"""Who may be ticked at a site: those who are, a page at a time, and of the others all where they are few, else those who are searched for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Membership
from accounts.models.people import known_order
from accounts.typed.keys import natural_key
from communities.actions import assignments
from communities.models import Site
from smartplus.portal.kit import keyset
from smartplus.portal.users import queries as user_lists
from smartplus.portal.users.queries import Person

PAGE = 50  # of those who are assigned
FEW = 25  # up to so many others stand in the list without being searched for
FOUND = 25  # shown of a search


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page asks of a crowd: `query` is its address; `ticked` are ids that have to be shown besides (those of them whom nobody may
    tick here are not); `text` is what is searched for among those who are not assigned."""

    query: QueryDict
    ticked: Iterable[int]
    text: str


class Crowd:
    """The people of one kind that a site's page shows, bounded however many there are. `name` is how the page's keys are called in the
    address."""

    def __init__(
        self,
        site: Site,
        *,
        kind: str,
        name: str,
        assigned: QuerySet[Membership],
        assigned_ids: set[int],
        asked: Asked,
        now: datetime,
    ) -> None:
        self.assigned_ids, self._name, self._now, self._assigned = assigned_ids, name, now, assigned
        self._query = asked.query
        self._candidates = assignments.candidates(site.installer_id, kind=kind)
        self._page = self._assigned_page()
        here = {person.pk for person in self._page.rows}
        others = self._candidates.exclude(pk__in=assigned_ids) if assigned_ids else self._candidates
        some = list(others.order_by().values_list("pk", flat=True)[: FEW + 1])
        self.is_many = len(some) > FEW
        self.text = asked.text if self.is_many else ""
        self.found: list[int] = []
        if self.text:
            matching = others.filter(user_lists.person_matches(self.text)).order_by(known_order(), "pk")
            self.found = list(matching.values_list("pk", flat=True)[: FOUND + 1])
        self.has_more = len(self.found) > FOUND
        self.found = self.found[:FOUND]
        wanted = {*asked.ticked, *(self.found if self.is_many else some)} - here
        self.rows = self._sorted([*user_lists.people_of(self._page.rows, now), *self._those(wanted)])

    @property
    def ids(self) -> set[int]:
        """Who is shown."""
        return {person.membership.pk for person in self.rows}

    def with_those(self, ids: Iterable[int]) -> list[Person]:
        """The rows, and those of these people who are not among them and may be ticked."""
        missing = set(ids) - self.ids
        return self._sorted([*self.rows, *self._those(missing)]) if missing else self.rows

    @property
    def previous(self) -> str:
        """The query string of the page before, "" where there is none."""
        return self._address("before", self._page.previous)

    @property
    def next(self) -> str:
        """The query string of the page after."""
        return self._address("after", self._page.next)

    def _assigned_page(self) -> keyset.Page[Membership]:
        if not self.assigned_ids:
            return keyset.Page([], "", "")
        rows = user_lists.with_invitation(self._assigned, self._now).annotate(list_order=known_order())
        asked = {key: self._query.get(f"{self._name}_{key}", "") for key in ("after", "before")}
        return keyset.page(rows, by=("list_order", "pk"), query=asked, size=PAGE)

    def _those(self, ids: set[int]) -> list[Person]:
        """Two statements: one with an OR would read rows of other firms."""
        rows: list[Membership] = []
        for people_of, wanted in (
            (self._candidates, ids - self.assigned_ids),
            (self._assigned, ids & self.assigned_ids),
        ):
            if wanted:
                rows += user_lists.with_invitation(people_of.filter(pk__in=wanted), self._now)
        return user_lists.people_of(rows, self._now)

    @staticmethod
    def _sorted(rows: list[Person]) -> list[Person]:
        return sorted(rows, key=lambda person: (natural_key(person.membership.known_as), person.membership.pk))

    def _address(self, way: str, key: str) -> str:
        if not key:
            return ""
        query = self._query.copy()
        for name in ("after", "before"):
            query.pop(f"{self._name}_{name}", None)
        query[f"{self._name}_{way}"] = key
        return f"?{query.urlencode()}"
