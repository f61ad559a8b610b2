"""How rows lie in the database: no index twice, and paid time moves without touching one (DESIGN §9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection, models

from communities.models import Entitlement
from tests.people import NOW

OURS = ("accounts", "communities", "devices", "payments", "subscriptions")
# The keys every row below a site has; a table whose other indexes begin with one of them keeps both, since the field is inherited.
INHERITED = {"site"}
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has neither fill factors nor HOT updates"
)


def test_no_index_is_the_beginning_of_another() -> None:
    twins = []
    for model in apps.get_models():
        if model._meta.app_label not in OURS:
            continue
        firsts = {
            index.fields[0].lstrip("-") for index in model._meta.indexes if index.condition is None and index.fields
        }
        firsts |= {
            constraint.fields[0]
            for constraint in model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None and constraint.fields
        }
        twins += [
            f"{model.__name__}.{field.name}"
            for field in model._meta.concrete_fields
            if getattr(field, "db_index", False) and not field.unique and field.name in firsts - INHERITED
        ]
    assert twins == []


@on_postgresql
@pytest.mark.django_db
def test_tables_that_move_all_the_time_leave_room_on_their_pages() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE 'fillfactor=50' = ANY(reloptions) ORDER BY 1")
        found = [name for (name,) in cursor.fetchall()]
    assert found == [
        "communities_entitlement",
        "payments_payment",
        "subscriptions_autorenewal",
        "subscriptions_order",
    ]


@on_postgresql
@pytest.mark.django_db
def test_extending_paid_time_touches_no_index(make_site, make_apartment) -> None:
    site = make_site()
    for number in range(20):
        make_apartment(site, f"1.{number}")
    rows = Entitlement.objects.filter(site=site)

    def updated() -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid) "
                "FROM pg_class WHERE relname = 'communities_entitlement'"
            )
            every, hot = cursor.fetchone()
        return every, hot

    before = updated()
    n = rows.pay_until(NOW + timedelta(days=30), anchor_at=NOW, paid_variant="x", reserved_by=1, last_charged_at=NOW)
    every, hot = (after - was for after, was in zip(updated(), before, strict=True))
    assert n >= 20
    assert (every, hot) == (n, n)


@on_postgresql
@pytest.mark.django_db
def test_the_server_is_told_what_kind_of_questions_come() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('jit'), current_setting('work_mem')")
        assert cursor.fetchone() == ("off", "16MB")
