"""Two processes that fold at the same time, each other rows: nothing is counted twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from communities import expiries
from communities.models import Apartment, Entitlement, ExpiryDay, Site
from tests.people import NOW, People
from tests.portal.places import pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_two_folders_with_rows_of_their_own(
    people: People,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Apartment],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = make_site(booking=True)
    for number in ("1.01", "1.02", "1.03"):
        apartment = make_apartment(site, number, indoor_monitor=False)
        pay(Entitlement.objects.get(target=apartment.target_id, service_type="app"), NOW + timedelta(days=10))
    expiries.fold(now=NOW)
    one, two, _three = Entitlement.objects.filter(service_type="app").order_by("pk")
    monkeypatch.setattr(expiries, "AT_ONCE", 2)
    stands, goes = threading.Event(), threading.Event()
    written, commits = threading.Event(), threading.Event()

    def move(row: Entitlement) -> None:
        Entitlement.objects.filter(pk=row.pk).pay_until(NOW + timedelta(days=40))

    def writes_first() -> None:
        with transaction.atomic():
            move(one)
            written.set()
            assert commits.wait(20)

    def waits(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            stands.set()
            goes.wait(20)
        return execute(sql, params, many, context)

    def folds_slowly() -> None:
        with connection.execute_wrapper(waits):
            expiries._fold_some()

    def run(work: Callable[[], object]) -> threading.Thread:
        def go() -> None:
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=go)
        thread.start()
        return thread

    writer = run(writes_first)  # its rows of the summary come first, and are seen last
    assert written.wait(20)
    move(two)
    slow = run(folds_slowly)
    assert stands.wait(20)
    commits.set()
    writer.join(20)
    quick = run(expiries._fold_some)
    quick.join(2)
    goes.set()
    for thread in (slow, quick):
        thread.join(20)
    assert list(expiries.faults()) == []
    expiries.fold(now=NOW)
    assert list(expiries.faults()) == []
    assert not ExpiryDay.objects.filter(stage=0).exists()
