"""Types and models of devices."""

from __future__ import annotations

import pytest

from devices import catalogue
from devices.catalogue import DeviceType


@pytest.mark.parametrize(
    ("model", "canonical", "kind"),
    [
        ("C313", "C313", DeviceType.INDOOR_MONITOR),
        (" it88 ", "IT88", DeviceType.INDOOR_MONITOR),
        ("S532", "S532", DeviceType.DOOR_PHONE),
        ("a092", "A092", DeviceType.ACCESS_CONTROL),
        ("MR01", "MR01", DeviceType.SENSOR),
        ("ITEC", "iTec", DeviceType.LOCK),
        ("iPhone", None, None),
    ],
)
def test_a_model_tells_its_type_in_any_case(model: str, canonical: str | None, kind: DeviceType | None) -> None:
    assert (catalogue.canonical(model), catalogue.type_of(model)) == (canonical, kind)


def test_every_type_has_a_label_and_no_model_has_two_types() -> None:
    models = [model.casefold() for models in catalogue.MODELS.values() for model in models]
    assert len(models) == len(set(models)) == 15 + 18 + 8 + 1 + 2
    assert set(catalogue.TYPE_LABELS) == set(catalogue.MODELS) == set(DeviceType)
