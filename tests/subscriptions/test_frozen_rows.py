"""Lines and paid time are guarded by the database itself: of a line nothing changes, of a period only that it is revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction

from accounts import append_only
from accounts.append_only import AppendOnly, check_guards
from accounts.models import AuditEvent
from communities.models import Site
from subscriptions.actions import fulfilment
from subscriptions.models import Cart, Order, OrderLine, ServicePeriod
from tests.people import NOW, People

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]) -> Order:
    """An order that was applied."""
    order = place(fill_cart())
    fulfilment.fulfil(order, now=NOW)
    return order


def other(field: models.Field[Any, Any]) -> str:
    """An SQL expression for another value of the column."""
    column = connection.ops.quote_name(str(field.column))
    match field.get_internal_type():
        case "BooleanField":
            return f"NOT {column}"
        case "CharField" | "SearchKey" | "TextField":
            return "'other'"  # as short as the shortest column
        case "DateField":
            return "'2099-01-01'"
        case "DateTimeField":
            return "'2099-01-01 00:00:00+00:00'"
        case _:
            return f"COALESCE({column}, 0) + 1000"  # which a small integer can hold too


@pytest.mark.parametrize("model", [OrderLine, ServicePeriod])
def test_no_column_changes_but_those_that_may(paid: Order, model: type[AppendOnly]) -> None:
    row: dict[str, Any] | None = model._default_manager.values().first()  # type: ignore[assignment]  # of any model
    assert row is not None
    table = model._meta.db_table
    changed = set()
    for field in model._meta.concrete_fields:
        statement = f"UPDATE {table} SET {field.column} = {other(field)} WHERE id = {row['id']}"
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError as refusal:
            assert "append-only" in str(refusal), statement
        else:
            changed.add(field.name)
    assert changed == set(model.changeable)
    kept = {name: value for name, value in row.items() if name not in model.changeable}
    assert model._default_manager.filter(**kept).exists()
    assert not model._default_manager.filter(**row).exists() or not model.changeable


@pytest.mark.parametrize("model", [OrderLine, ServicePeriod])
def test_no_row_goes(paid: Order, model: type[AppendOnly]) -> None:
    count = model._default_manager.count()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model._default_manager.order_by()._raw_delete(using="default")  # what no key protects
    assert model._default_manager.count() == count > 0


def test_together_with_a_revocation_nothing_else_changes(paid: Order) -> None:
    period = ServicePeriod.objects.first()
    assert period is not None
    period.is_revoked = True
    period.save()  # names every column, changes one
    period.ends_at = period.ends_at.replace(year=2099)
    period.is_revoked = False
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        period.save()
    period.refresh_from_db()
    assert (period.is_revoked, period.ends_at.year) == (True, 2026)


def test_every_guarded_table_refuses_on_this_database(paid: Order) -> None:
    assert check_guards(databases=["default"]) == []
    assert {"subscriptions_orderline", "subscriptions_serviceperiod"} <= set(append_only.guarded_tables())


TOOTHLESS = {
    "sqlite": (
        "DROP TRIGGER accounts_auditevent_no_update",
        "CREATE TRIGGER accounts_auditevent_no_update BEFORE UPDATE ON accounts_auditevent WHEN 0 "
        "BEGIN SELECT RAISE(ABORT, 'accounts_auditevent is append-only'); END",
    ),
    "postgresql: another function": (
        "CREATE FUNCTION let_all_through() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "DROP TRIGGER accounts_auditevent_no_change ON accounts_auditevent",
        "CREATE TRIGGER accounts_auditevent_no_change BEFORE UPDATE OR DELETE ON accounts_auditevent "
        "FOR EACH ROW EXECUTE FUNCTION let_all_through()",
    ),
    "postgresql: the function written anew": (
        "CREATE OR REPLACE FUNCTION smartplus_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    ),
    "postgresql: a condition": (
        "DROP TRIGGER accounts_auditevent_no_change ON accounts_auditevent",
        "CREATE TRIGGER accounts_auditevent_no_change BEFORE UPDATE OR DELETE ON accounts_auditevent "
        "FOR EACH ROW WHEN (false) EXECUTE FUNCTION smartplus_refuse_change()",
    ),
    "postgresql: a single column": (
        "DROP TRIGGER accounts_auditevent_no_change ON accounts_auditevent",
        "CREATE TRIGGER accounts_auditevent_no_change BEFORE UPDATE OF at OR DELETE ON accounts_auditevent "
        "FOR EACH ROW EXECUTE FUNCTION smartplus_refuse_change()",
    ),
    "postgresql: another column that may change": (
        "DROP TRIGGER accounts_auditevent_no_change ON accounts_auditevent",
        "CREATE TRIGGER accounts_auditevent_no_change BEFORE UPDATE OR DELETE ON accounts_auditevent "
        "FOR EACH ROW EXECUTE FUNCTION smartplus_refuse_change('after')",
    ),
    "postgresql: for replicas only": (
        "ALTER TABLE accounts_auditevent ENABLE REPLICA TRIGGER accounts_auditevent_no_change",
    ),
}


def test_a_trigger_of_the_right_name_that_does_nothing_is_seen(paid: Order) -> None:
    mine = {name: texts for name, texts in TOOTHLESS.items() if name.startswith(connection.vendor)}
    assert mine
    for name, statements in mine.items():
        with transaction.atomic():
            connection.check_constraints()  # PostgreSQL alters no table while checks of it wait
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            found = [str(fault.msg) for fault in check_guards(databases=["default"])]
            transaction.set_rollback(True)
        assert any("accounts_auditevent_no_" in text for text in found), name
    assert check_guards(databases=["default"]) == []
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(action="nothing.happened")
