"""Until when something works: the expiry and the grace of its service type, stored beside it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps

from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Site, State, keys_of, state_of, status
from tests.people import NOW

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def app(make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Entitlement:
    """An App that was never activated."""
    apartment = make_apartment(make_site(), "1.01")
    return Entitlement.objects.get(target=apartment.target, service_type=ServiceType.APP)


@pytest.mark.django_db
def test_paying_writes_the_grace_of_each_service_type(app: Entitlement) -> None:
    Entitlement.objects.filter(target=app.target).exclude(pk=app.pk).delete()
    Entitlement.objects.create(
        **keys_of(app.site), target=app.target, service_type=ServiceType.SENSOR_ALERT, variant="each"
    )
    assert Entitlement.objects.filter(target=app.target).pay_until(NOW, paid_variant="x") == 2
    rows = Entitlement.objects.filter(target=app.target)
    assert {row.service_type: (row.expires_at, row.works_until, row.paid_variant) for row in rows} == {
        "app": (NOW, NOW + 7 * DAY, "x"),
        "sensor_alert": (NOW, NOW + 14 * DAY, "x"),
    }


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (NOW - MOMENT, State.ACTIVE),
        (NOW, State.GRACE),  # the expiry itself is the first instant of grace
        (NOW + 7 * DAY - MOMENT, State.GRACE),
        (NOW + 7 * DAY, State.LAPSED),
    ],
)
@pytest.mark.django_db
def test_what_works_is_one_comparison(app: Entitlement, now: datetime, state: State) -> None:
    rows = Entitlement.objects.filter(pk=app.pk)
    assert (app.state(now), app.is_in_force(now), rows.in_force(now).exists()) == (State.NEW, False, False)
    rows.pay_until(NOW)
    app.refresh_from_db()
    is_in_force = state in {State.ACTIVE, State.GRACE}
    conditions = {
        State.NEW: status.NEVER,
        State.ACTIVE: status.in_force(now) & status.ends_after(now),
        State.GRACE: status.in_grace(now),
        State.LAPSED: status.lapsed(now),
    }
    assert [met for met, condition in conditions.items() if rows.filter(condition).exists()] == [state]
    assert (app.state(now), state_of(app.expires_at, app.works_until, now)) == (state, state)
    assert app.is_in_force(now) == rows.in_force(now).exists() == is_in_force


@pytest.mark.django_db
def test_what_was_taken_back_works_no_more_whatever_its_expiry_says(app: Entitlement) -> None:
    rows = Entitlement.objects.filter(pk=app.pk)
    rows.pay_until(NOW + 30 * DAY)
    rows.update(works_until=NOW)
    app.refresh_from_db()
    assert (app.state(NOW), app.is_in_force(NOW), rows.in_force(NOW).exists()) == (State.LAPSED, False, False)


@pytest.mark.rule("R36")
@pytest.mark.django_db
def test_a_premium_feature_runs_while_its_plan_is_active_and_covers_it(app: Entitlement) -> None:
    plan = Entitlement.objects.create(
        **keys_of(app.site), target=app.target, service_type=ServiceType.PREMIUM, variant="landline+booking"
    )
    rows = Entitlement.objects.filter(pk=plan.pk)

    def usable(now: datetime, *parts: str) -> list[bool]:
        plan.refresh_from_db()
        return [plan.is_usable(now, part) for part in parts] + [plan.is_usable(now)]

    assert usable(NOW, "landline", "booking") == [False, False, False]  # never activated
    rows.pay_until(NOW + 30 * DAY, paid_variant="booking")
    assert usable(NOW, "landline", "booking", "dynamic_qr") == [False, True, False, False]  # one of them is not paid
    rows.pay_until(NOW + 30 * DAY, paid_variant="landline+booking+dynamic_qr")
    assert usable(NOW, "landline", "booking", "dynamic_qr") == [
        True,
        True,
        False,
        True,
    ]  # paid and not on: does not run
    assert usable(NOW + 37 * DAY - MOMENT, "booking") == [True, True]  # in grace
    assert usable(NOW + 37 * DAY, "booking") == [False, False]
    rows.update(variant="")
    assert usable(NOW, "booking") == [False, False]


def test_a_pm_app_runs_without_the_landline_that_is_not_paid() -> None:
    pm_app = Entitlement(
        service_type=ServiceType.PM_APP, variant="landline", paid_variant="plain", works_until=NOW + DAY
    )
    assert [pm_app.is_usable(NOW, part) for part in ("plain", "landline")] == [True, False]
    assert not pm_app.is_usable(NOW)


@pytest.mark.django_db
def test_what_was_paid_before_the_column_came_is_filled(app: Entitlement) -> None:
    Entitlement.objects.filter(pk=app.pk).update(expires_at=NOW)
    import_module("communities.migrations.0002_works_until").fill(apps, None)
    found = dict(Entitlement.objects.values_list("service_type", "works_until"))
    assert found.pop("app") == NOW + 7 * DAY
    assert set(found.values()) <= {None}


def written_in(source: str) -> list[int]:
    """Lines that write until when something is paid or works."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            found += [node.lineno for target in node.targets if _is_end(getattr(target, "attr", ""))]
        elif isinstance(node, ast.Call) and not ast.unparse(node.func).startswith(
            ("Handover.", "Registration.")
        ):  # an offer and a link end, and nothing paid
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"update", "create", "Entitlement"}:
                found += [node.lineno for keyword in node.keywords if _is_end(keyword.arg or "")]
    return sorted(found)


def _is_end(name: str) -> bool:
    return name in {"expires_at", "works_until"}


def test_one_function_writes_both() -> None:
    writers = {
        str(path.relative_to(ROOT)): len(lines)
        for folder in ("communities", "devices", "subscriptions", "smartplus")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and (lines := written_in(path.read_text()))
    }
    assert writers == {"communities/models/entitlements.py": 2}
    assert written_in("rows.update(expires_at=x)\nrow.works_until = y\nrows.pay_until(x)\nItem(expires_at=x)") == [1, 2]
