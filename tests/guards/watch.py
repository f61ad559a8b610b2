"""What a request wrote, and whether that was anybody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from django.db import connection, models

from accounts.models import AuditEvent, Membership, Notice, Organization, User
from communities.models import Site
from subscriptions.actions import handing_over, handovers
from subscriptions.models import Handover
from tests.flows.tenants import claims, mixed_rows, project_models
from tests.guards import policies
from tests.guards.world import World

WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM|INSERT OR \w+ INTO)\s+"?(\w+)"?', re.I)
# Sessions, counted tries and claims to a form are nobody's business rows.
UNWATCHED = ("django_session", "axes_", "accounts_sentform")
# What tells both firms of an offer → the column of the offer that names its subject.
OF_OFFERS = {
    **{word.code: "pk" for word in (handovers.HANDOVER_ASKED, handovers.HANDOVER_WITHDRAWN, handovers.HANDOVER_REFUSED)},
    handing_over.SITE_GIVEN.code: "pk",
    handing_over.SITE_RECEIVED.code: "site_id",
}  # fmt: skip
Rows: TypeAlias = dict[Any, dict[str, Any]]


class Writes:
    """Collects the tables that statements write to."""

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Look at a statement on its way to the database."""
        if (found := WRITE.match(sql)) and not found[1].startswith(UNWATCHED):
            self.tables.add(found[1])
        return execute(sql, params, many, context)


@contextmanager
def writes() -> Iterator[Writes]:
    """The tables written to inside."""
    seen = Writes()
    with connection.execute_wrapper(seen):
        yield seen


class Ledger:
    """Every row as it was when the world was built, and whose it is."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.models = {model._meta.db_table: model for model in project_models()}
        self.claims = {table: claims(model) for table, model in self.models.items()}
        self.before: dict[str, Rows] = {table: self._rows(table) for table in self.models}
        self.tree = {row.pk: row for row in Organization.objects.all()}

    def changed(self, tables: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Table → rows that came, went or are different; for each its state before (if it was there) and after."""
        found: dict[str, list[dict[str, Any]]] = {}
        for table in tables:
            if table not in self.models:
                continue
            before, after = self.before[table], self._rows(table)
            rows = [row for pk, row in before.items() if after.get(pk) != row]
            rows += [row for pk, row in after.items() if before.get(pk) != row]
            found[table] = rows
        return found

    def leaks(self, person: str, tables: Iterable[str]) -> list[str]:
        """Rows beyond the person's reach that were touched, and rows that now mix two tenants."""
        told = []
        tree = {row.pk: row for row in Organization.objects.all()}
        for table, rows in self.changed(tables).items():
            model = self.models[table]
            told += [f"wrote {model._meta.label} {row['pk']}" for row in rows if self._is_beyond(person, table, row)]
            told += [f"mixed tenants: {text}" for text in (mixed_rows(model, tree) if rows else ())]
        return told

    def _rows(self, table: str) -> Rows:
        model = self.models[table]
        columns = [field.attname for field in model._meta.concrete_fields]
        paths = [path for found in self.claims[table].values() for path in found]
        return {row["pk"]: row for row in model._default_manager.order_by().values("pk", *columns, *paths)}

    def _is_beyond(self, person: str, table: str, row: dict[str, Any]) -> bool:
        firm, reach = self.world.person(person).firm, policies.REACHES[person]
        model: type[models.Model] = self.models[table]
        if model is User:
            known = row["pk"] in self.before[table]
            return row["pk"] != self.world.person(person).membership.user_id if known else _is_stray(row["pk"], firm)
        if model is Organization and row["pk"] in self.tree:
            return not self.tree[row["pk"]].path.startswith(firm.path)
        all_sites, own = self.world.sites_of(self.world.sites), self.world.sites_of(reach.estates)
        if model is Site and row["pk"] in all_sites:
            return row["pk"] not in own
        if self._is_of_an_offer(table, row, firm):
            return False
        said = self.claims[table]
        sites = {row[path] for path in said.get("site", ()) if row[path] in all_sites}
        if sites:
            return not sites <= own
        firms = {row[path] for claim, paths in said.items() if claim != "site" for path in paths if row[path]}
        lines = [self.tree[pk].path for pk in firms if pk in self.tree]
        return bool(lines) and not max(lines, key=len).startswith(firm.path)

    def _is_of_an_offer(self, table: str, row: dict[str, Any], firm: Organization) -> bool:
        """Whether it is an offer of a site that the firm gives or gets, the site itself, or what tells the other side of it."""

        def of_firm(offer: dict[str, Any]) -> bool:
            return any(self.tree[offer[side]].path.startswith(firm.path) for side in ("giver_id", "taker_id"))

        model, offers = self.models[table], self._rows(Handover._meta.db_table)
        if model is Handover:
            return of_firm(row)
        offered = [offer for offer in offers.values() if of_firm(offer)]
        if model is Site:
            return row["pk"] in {offer["site_id"] for offer in offered}
        if row["pk"] in self.before[table]:
            return False  # what was told stays as it was
        if model is AuditEvent:
            return row["action"] in OF_OFFERS and row["subject_id"] in {
                offer[OF_OFFERS[row["action"]]] for offer in offered
            }
        return (
            model is Notice
            and row["about_type"] == "handover"
            and row["about_id"] in {offer["pk"] for offer in offered}
        )


def _is_stray(user_id: int, firm: Organization) -> bool:
    """Whether a login that was just made works for anybody but the firm and those below it."""
    paths = Membership.objects.filter(user_id=user_id).values_list("organization__path", flat=True)
    return not paths or not all(path.startswith(firm.path) for path in paths)
