"""Forms of equipment: what is known of a piece, and where it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from accounts.typed.keys import identity_key
from communities.actions.equipment import Piece, Place
from communities.models import Apartment, Building, Equipment, EquipmentKind, Kind, Site, Viewers
from communities.models.equipment import LOCK_MAKERS
from devices import catalogue
from devices.actions import MonitorEntry
from devices.addresses import Mac
from devices.catalogue import DeviceType
from devices.errors import ForeignOui, MacRefused
from smartplus.portal.kit.fields import IdentifierField, LineField, RawField, refuse

FIELDS = {
    EquipmentKind.LOCK: ("name", "maker", "serial"),
    EquipmentKind.SENSOR: ("name", "mac", "confirmed"),
    EquipmentKind.CAMERA: ("name", "maker", "address", "viewers"),
    EquipmentKind.DOOR: ("name", "model", "mac", "confirmed"),
}
OF_DEVICE = ("mac", "confirmed")  # asked once, when a piece is added; later the device is swapped
WHERE = ("building", "flat")
HINTS = {
    EquipmentKind.LOCK: gettext_lazy("As it is called on orders and in the App, such as “Main entrance”."),
    EquipmentKind.SENSOR: gettext_lazy("Where it watches, such as “Bedroom”. Its alerts name it."),
    EquipmentKind.CAMERA: gettext_lazy("What it looks at, such as “Garage ramp”."),
    EquipmentKind.DOOR: gettext_lazy("As people call it, such as “Delivery gate”."),
}


class PlaceFields(forms.Form):
    """Where a piece is: for the whole site, in a building, or in one of its apartments."""

    building = forms.TypedChoiceField(label=gettext_lazy("Building"), coerce=int, required=False, empty_value=None)
    flat = LineField(
        label=gettext_lazy("Apartment"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("Its number, where it belongs to one apartment."),
    )

    def fill_places(self, site: Site, buildings: Iterable[Building], apartments: QuerySet[Apartment]) -> None:
        """Offer the buildings of a community, and find `apartments` by their number; other sites have no places."""
        self.apartments = apartments
        if site.kind != Kind.COMMUNITY:
            for name in WHERE:
                del self.fields[name]
            return
        building = self.fields["building"]
        assert isinstance(building, forms.TypedChoiceField)
        building.choices = [("", _("The whole site")), *((row.pk, row.name) for row in buildings)]
        self.fields["flat"].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, object]:
        """Find the apartment of the number."""
        values: dict[str, Any] = super().clean() or {}
        self.apartment_id: int | None = None
        flat, building = values.get("flat"), values.get("building")
        if flat and not building:
            self.add_error("building", _("Choose the building of the apartment."))
        elif flat:
            rows = self.apartments.filter(building=building, number_key=identity_key(str(flat)))
            self.apartment_id = rows.values_list("pk", flat=True).first()
            if self.apartment_id is None:
                self.add_error("flat", _("There is no apartment of this number in the building."))
        return values

    @property
    def place(self) -> Place:
        """The place for the action."""
        if self.apartment_id is not None:
            return Place(apartment_id=self.apartment_id)
        return Place(building_id=self.cleaned_data.get("building") or None)


class EquipmentForm(PlaceFields):
    """A piece of a kind. A new one has its place and its MAC too."""

    name = LineField(label=gettext_lazy("Name"), max_length=64)
    maker = LineField(label=gettext_lazy("Make"), max_length=32, required=False)
    model = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    serial = IdentifierField(label=gettext_lazy("Serial number"), max_length=64, required=False)
    address = IdentifierField(
        label=gettext_lazy("Address of the stream"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("RTSP address within the site's network, such as rtsp://10.4.0.21."),
    )
    viewers = forms.ChoiceField(
        label=gettext_lazy("Who may watch"), choices=Viewers.choices, initial=Viewers.BOTH.value,
        widget=forms.RadioSelect(attrs={"class": "ck"}),
    )  # fmt: skip
    mac = RawField(
        label=gettext_lazy("MAC address"),
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "class": "mono", "autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false",
                "placeholder": "0C:11:05:00:00:00",
            }
        ),
    )  # fmt: skip
    confirmed = forms.BooleanField(
        label=gettext_lazy("The label really says this: register it"), required=False, widget=forms.CheckboxInput
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    suggestion: Mac | None = None
    may_confirm = False

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        site: Site,
        kind: str,
        buildings: Iterable[Building] = (),
        apartments: QuerySet[Apartment],
        home: Apartment | None = None,
        piece: Equipment | None = None,
    ) -> None:
        self.kind, self.piece = EquipmentKind(kind), piece
        names = {field for fields in FIELDS.values() for field in fields} | {"version"}
        initial = {name: getattr(piece, name) for name in names - {*OF_DEVICE}} if piece else _at(home)
        super().__init__(data, initial=initial, label_suffix="")
        self.fill_places(site, buildings, apartments)
        dropped = {*OF_DEVICE, *WHERE} if piece else set()
        for name in (names - {*FIELDS[self.kind], "version"}) | dropped:
            self.fields.pop(name, None)
        self._fit()

    def _fit(self) -> None:
        """What the fields are for this kind."""
        self.fields["name"].help_text = str(HINTS[self.kind])
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if self.kind == EquipmentKind.LOCK:
            choices = [(maker, maker) for maker in LOCK_MAKERS]
            self.fields["maker"] = forms.ChoiceField(label=_("Make"), choices=choices)
        if self.kind == EquipmentKind.DOOR:
            models = (*catalogue.MODELS[DeviceType.DOOR_PHONE], *catalogue.MODELS[DeviceType.ACCESS_CONTROL])
            model = self.fields["model"]
            assert isinstance(model, forms.ChoiceField)
            model.choices = [("", _("As the library says")), *((name, name) for name in models)]
            if "mac" in self.fields:
                self.fields["mac"].required = False
                self.fields["mac"].help_text = _("Of the door phone or reader at the door, if it is there already.")

    @property
    def asks_confirmation(self) -> bool:
        """Whether the MAC is of another maker, which a tick lets pass (R71)."""
        return "confirmed" in self.fields and (self.may_confirm or bool(self["confirmed"].value()))

    @property
    def values(self) -> Piece:
        """The piece for the action."""
        known = {
            name: self.cleaned_data[name]
            for name in ("maker", "model", "serial", "address", "viewers")
            if name in self.fields
        }
        return Piece(self.cleaned_data["name"], **known)

    @property
    def entry(self) -> MonitorEntry | None:
        """Its device for the action."""
        values = self.cleaned_data
        if "mac" not in self.fields:
            return None
        return MonitorEntry(values["mac"], values["name"], values.get("model", ""), values["confirmed"])

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at its field, with what may be done about it."""
        refuse(self, refusal)
        if isinstance(refusal, MacRefused):
            self.suggestion = refusal.suggestion
        if isinstance(refusal, ForeignOui):
            self.may_confirm = refusal.may_confirm


class MoveForm(PlaceFields):
    """Another place for a piece."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        piece: Equipment,
        buildings: Iterable[Building],
        apartments: QuerySet[Apartment],
    ) -> None:
        initial = {"building": piece.building_id, **_at(piece.apartment), "version": piece.version}
        super().__init__(data, initial=initial, label_suffix="")
        self.fill_places(piece.site, buildings, apartments)


def _at(home: Apartment | None) -> dict[str, object]:
    return {"building": home.building_id, "flat": home.number} if home else {}
