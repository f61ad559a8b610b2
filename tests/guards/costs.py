"""The cost of the statements of one request."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection

from accounts.scope import Role
from tests.guards.browser import Browser
from tests.guards.walker import WALKERS
from tests.guards.watch import Ledger
from tests.guards.world import World

LISTED = re.compile(r"\(%s(?:, %s)+\)")


@dataclass
class Cost:
    """The statements of one request, and how many pages of 8 KiB each of them read."""

    statements: list[str] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)

    @property
    def dearest(self) -> tuple[str, int]:
        """The statement that read most."""
        return max(self.reads.items(), key=lambda pair: pair[1], default=("", 0))


@contextmanager
def measured(*, reading: bool) -> Iterator[Cost]:
    """Count statements, and with `reading` what each of them reads."""
    cost = Cost()

    def spy(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SAVEPOINT" not in sql:
            cost.statements.append(LISTED.sub("(%s)", sql))
        if reading and sql.startswith("SELECT"):
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + sql, params)
                plan = cursor.fetchone()[0][0]["Plan"]
            cost.reads[sql] += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] + plan["Temp Read Blocks"]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(spy):
        yield cost


class NobodyLooks(Ledger):
    """No recording of what a request wrote: it reads whole tables, which is no cost of the page."""

    def __init__(self, world: World) -> None:
        self.world = world

    def leaks(self, *_: Any, **__: Any) -> list[str]:
        """Nothing is checked."""
        return []


def visit(browser: Browser, role: Role, path: str, *, reading: bool, warm: bool = False) -> tuple[int, Cost]:
    """Open a page once to fill caches (unless it is `warm`), and once to measure."""
    browser = replace(browser, ledger=NobodyLooks(browser.world))
    if not warm:
        browser.ask(WALKERS[role], "GET", path)
    with measured(reading=reading) as cost:
        answer = browser.ask(WALKERS[role], "GET", path)
    return answer.status, cost
