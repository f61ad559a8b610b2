"""What was written by hand is named by `verify_ledger`, and a search finds targets."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from communities import consistency
from communities.actions.entitlements import agree
from communities.actions.targets import slot_of
from communities.catalogue import ServiceType
from communities.models import (
    Apartment,
    Building,
    Entitlement,
    ManagerAssignment,
    Resident,
    Site,
    Target,
    keys_of,
    targets,
)
from tests import factories
from tests.communities.targets.scenes import Kinds, crowded, flat
from tests.people import People


def _other(site: Site) -> dict[str, Any]:
    return {"installer": site.distributor_id}


def _no_target(site: Site) -> str:
    one = flat("1.01")
    Apartment.objects.filter(pk=one.pk).update(target=10**6)
    return f"apartment {one.pk}: has no target"


def _wrong_kind(site: Site) -> str:
    one, petra = flat("1.01"), ManagerAssignment.objects.get()
    spare = petra.target_id
    ManagerAssignment.objects.update(target=Target.objects.create(**keys_of(site), kind=Kinds.APARTMENT))
    Apartment.objects.filter(pk=one.pk).update(target=spare)
    return f"apartment {one.pk}: has a target that is no apartment"


def _other_tenant(site: Site) -> str:
    one = flat("1.01")
    Apartment.objects.filter(pk=one.pk).update(**_other(site))
    return f"apartment {one.pk}: has a target of another site or tenant"


def _sub_distributor(site: Site) -> str:
    one = ManagerAssignment.objects.get()
    ManagerAssignment.objects.filter(pk=one.pk).update(subdistributor=site.installer_id)
    return f"assignment {one.pk}: has a target of another site or tenant"


def _orphan(site: Site) -> str:
    return f"target {Target.objects.create(**keys_of(site), kind=Kinds.MANAGER).pk}: is of no manager"


def _lock_of_nobody(site: Site) -> str:
    made = Target.objects.create(**keys_of(site), kind=Kinds.LOCK, name="Front door")
    return f"target {made.pk}: is of no lock"


def _misplaced_slot(site: Site) -> str:
    made = slot_of(ManagerAssignment.objects.get().target, Kinds.MEMBER_SLOT, 1)
    made.save()
    return f"target {made.pk}: is a member_slot of something else than a apartment"


def _building(site: Site) -> str:
    Building.objects.update(name="Pier House")
    return f"target {flat('1.01').target_id}: does not say what stands on its door"


def _floor(site: Site) -> str:
    Target.objects.filter(pk=flat("1.02").target_id).update(floor="9")
    return f"target {flat('1.02').target_id}: does not say what stands on its door"


def _number(site: Site) -> str:
    Apartment.objects.filter(number="1.02").update(number="9")
    return f"target {flat('9').target_id}: does not say what stands on its door"


def _sort_key(site: Site) -> str:
    Target.objects.filter(pk=flat("1.02").target_id).update(sort_key="1")
    return f"target {flat('1.02').target_id}: does not say what stands on its door"


def _slot_label(site: Site) -> str:
    made = slot_of(flat("1.01").target, Kinds.MEMBER_SLOT, 1)
    made.building = "Elsewhere"
    made.save()
    return f"target {made.pk}: does not say what stands on its door"


def _person_first(site: Site) -> str:
    target = ManagerAssignment.objects.get().target_id
    Target.objects.filter(pk=target).update(sort_key="0")
    return f"target {target}: does not sort as what stands in no building"


def _service_of_another_kind(site: Site) -> str:
    one = Entitlement.objects.get(service_type=ServiceType.PM_APP)
    Entitlement.objects.filter(pk=one.pk).update(target=flat("1.01").target_id)
    return f"entitlement {one.pk}: is for a target of another kind than its service"


def _item_of_another(site: Site) -> str:
    one = Entitlement.objects.earliest("pk")
    Entitlement.objects.filter(pk=one.pk).update(**_other(site))
    return f"entitlement {one.pk}: is for a target of another site or tenant"


def _blocked(site: Site) -> str:
    Apartment.objects.filter(number="1.01").update(monitor_pending=True)
    first = Entitlement.objects.filter(target__number="1.01").earliest("pk")
    return f"entitlement {first.pk}: blocked is not what its apartment says"


@pytest.mark.parametrize(
    "breaks",
    [
        _no_target, _wrong_kind, _other_tenant, _sub_distributor, _orphan, _lock_of_nobody, _misplaced_slot, _building, _floor, _number, _sort_key,
        _slot_label, _person_first, _service_of_another_kind, _item_of_another, _blocked,
    ],
)  # fmt: skip
def test_what_was_written_by_hand_is_named_and_the_command_fails(site: Site, breaks: Callable[[Site], str]) -> None:
    with transaction.atomic():
        line = breaks(site)
        assert next(consistency.verify()) == line
        problems = io.StringIO()
        with pytest.raises(CommandError, match="does not hold"):
            call_command("verify_ledger", seal=True, stdout=io.StringIO(), stderr=problems)
        assert line in problems.getvalue().splitlines()
        transaction.set_rollback(True)


def test_the_command_says_that_targets_agree(site: Site) -> None:
    out = io.StringIO()
    factories.monitors(site)
    call_command("verify_ledger", seal=True, stdout=out)
    assert "targets: owners, doors and items agree" in out.getvalue()


def test_a_search_finds_by_building_apartment_master_and_person_also_the_slots(people: People, site: Site) -> None:
    agree(site, crowded(site, 5))
    Apartment.objects.filter(number="1.02").update(search_key="1.02\ncorner")
    Resident.objects.filter(apartment__number="1.01").update(search_key="rosa almeida")

    def found(word: str) -> list[str]:
        rows = Entitlement.objects.filter(targets.found(word)).select_related(*targets.named())
        return sorted({str(row.target) for row in rows})

    assert found("corner") == ["Quay House 1.02", "Quay House 1.02 (1)"]
    assert found("almeida") == ["Quay House 1.01", "Quay House 1.01 (1)"]
    assert found("petra") == ["Petra Holm"]
    assert len(found("quay")) == 4
