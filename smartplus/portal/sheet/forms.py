"""What is typed into a sheet: a row of cells for each apartment that is sent, and rows for apartments that are added.

A page sends a row whole or not at all; its field `was` says what the row was filled with, so that a cell that was not touched is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import ActionError
from communities import catalogue
from communities.models import Apartment
from devices.actions import Edit, MonitorEntry, New, Person, mark_of
from devices.addresses import Mac
from devices.errors import ForeignOui, MacRefused, SheetOutdated, SheetRefused
from smartplus.portal.kit.fields import LineField, RawField, refuse

MOST = 200  # rows of one form: a page has fifty, and some are added
ROW = re.compile(r"cell-(\d{1,18})-was")
NEW = re.compile(r"new-(\d{1,18})-(\d{1,6})-number")
COLUMNS = {
    "number": gettext_lazy("Apartment"),
    "floor": gettext_lazy("Floor"),
    "master": gettext_lazy("Family master"),
    "indoor_monitor": gettext_lazy("With Indoor Monitor"),
    "landline": gettext_lazy("Landline"),
    "video_storage": gettext_lazy("Video Storage"),
    "mac": gettext_lazy("MAC address"),
    "monitor_name": gettext_lazy("Name of the monitor"),
}


@dataclass(frozen=True, slots=True)
class Was:
    """What a row was filled with: its version, its switches ("" where they are not sent), and marks of the number and of the family
    master's name, which the script has no need of."""

    version: int
    switches: str
    number: str
    master: str

    @classmethod
    def of(cls, apartment: Apartment, master: str, *, is_whole: bool = True) -> Was:
        """That of an apartment as it is now; where not `is_whole`, without its switches."""
        codes = catalogue.APARTMENT_SWITCHES if is_whole else ()
        switches = "".join(str(int(apartment.switches[code])) for code in codes)
        return cls(apartment.version, switches, mark_of(apartment.number), mark_of(master))

    @classmethod
    def read(cls, sent: str) -> Was:
        """As the page sent it; what is not right fits no apartment."""
        version, switches, number, master, *_rest = [*sent.split("."), "", "", "", ""]
        is_right = version.isdecimal() and len(version) < 10 and re.fullmatch(r"([01]{3})?", switches)
        return cls(int(version), switches, number, master) if is_right else cls(0, "", "", "")

    def __str__(self) -> str:
        return f"{self.version}.{self.switches}.{self.number}.{self.master}".rstrip(".")


class CellsForm(forms.Form):
    """The cells that a row of an apartment and a new one have in common."""

    number = LineField(label=COLUMNS["number"], required=False, max_length=16)
    master = LineField(label=COLUMNS["master"], required=False, max_length=300)
    mac = RawField(
        label=COLUMNS["mac"],
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "placeholder": "0C:11:05:00:00:00"}),
    )
    monitor_name = LineField(label=COLUMNS["monitor_name"], required=False, max_length=64)
    confirmed = forms.BooleanField(label=gettext_lazy("The label really says this: register it"), required=False)

    suggestion: Mac | None = None
    may_confirm = False

    def typed(self, name: str) -> str | None:
        """What is typed into a cell; None where it was not sent, has a sign that no text may have, or is too long."""
        self.is_valid()
        if self.add_prefix(name) not in self.data and not isinstance(self.fields[name], forms.BooleanField):
            return None
        return self.cleaned_data.get(name)

    @property
    def person(self) -> Person:
        """The family master: a name, and behind a comma, or in angle brackets, an address or a telephone number."""
        return Person(*_split(self.typed("master") or ""))

    @property
    def monitor(self) -> MonitorEntry | None:
        """The monitor, if one is typed."""
        mac, name = self.typed("mac") or "", self.typed("monitor_name") or ""
        if not mac.strip() and not name:
            return None
        return MonitorEntry(mac, name, confirmed=bool(self.typed("confirmed")))

    def refuse(self, name: str, error: ActionError) -> None:
        """Show a refusal at its cell, with what may be done about it."""
        self.add_error(name if name in self.fields else None, str(error))
        if isinstance(error, MacRefused):
            self.suggestion = error.suggestion
        if isinstance(error, ForeignOui):
            self.may_confirm = error.may_confirm


class RowForm(CellsForm):
    """The row of an apartment."""

    indoor_monitor = forms.BooleanField(required=False)
    landline = forms.BooleanField(required=False)
    video_storage = forms.BooleanField(required=False)
    pending = forms.BooleanField(label=gettext_lazy("Wait for its monitor"), required=False)
    was = LineField(max_length=80, required=False)
    shown = LineField(max_length=120, required=False)  # the family master's name where `was` has no mark of it

    @property
    def edit(self) -> Edit:
        """The cells that were touched."""
        was, number, master = Was.read(self.typed("was") or ""), self.typed("number"), self.typed("master")
        there = was.master or mark_of(self.typed("shown") or "")
        touched = {
            code: bool(self.typed(code))
            for at, code in enumerate(catalogue.APARTMENT_SWITCHES if was.switches else ())
            if was.switches[at : at + 1] != str(int(bool(self.typed(code))))
        }
        return Edit(
            version=was.version,
            number=number if number is not None and mark_of(number) != was.number else None,
            master=self.person if master is not None and mark_of(master) != there else None,
            master_was=there,
            switches=touched,
            monitor=self.monitor,
            may_wait=bool(self.typed("pending")),
        )


class NewForm(CellsForm):
    """A row below a building; it counts once something is typed into it, or it is ticked."""

    floor = LineField(label=COLUMNS["floor"], required=False, max_length=32)
    add = forms.BooleanField(required=False)

    @property
    def is_used(self) -> bool:
        """Whether an apartment is to be added."""
        return bool(self.typed("add") or self.typed("master") or self.monitor)


@dataclass(slots=True)
class Row:
    """A row that was sent, under its key."""

    key: int | str
    form: CellsForm
    building_id: int = 0


class SheetForm(forms.Form):
    """All rows that were sent. Of a conflict, `outdated` are the apartments that somebody else changed."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, label_suffix="")
        ids = sorted(int(found[1]) for found in map(ROW.fullmatch, data) if found)
        places = sorted((int(found[1]), int(found[2])) for found in map(NEW.fullmatch, data) if found)
        self.too_many = len(ids) + len(places) > MOST
        if self.too_many:
            ids, places = ids[:MOST], places[:MOST]
        self.rows = [Row(pk, RowForm(data, prefix=f"cell-{pk}", label_suffix="")) for pk in ids]
        self.added = [
            Row(f"new-{building}-{at}", NewForm(data, prefix=f"new-{building}-{at}", label_suffix=""), building)
            for building, at in places
        ]
        self.outdated: list[int] = []

    def clean(self) -> dict[str, Any]:
        """Refuse more rows than one batch takes, so that none is left out in silence."""
        if self.too_many:
            raise forms.ValidationError(
                _("At most %(n)s rows at once. Apply some of them first, or use Import."), params={"n": MOST}
            )
        return super().clean() or {}

    @property
    def parts(self) -> list[forms.BaseForm]:
        """All forms that are sent together."""
        return [self, *(row.form for row in [*self.rows, *self.added])]

    @cached_property
    def edits(self) -> dict[int, Edit]:
        """What is typed for the apartments that are there; rows in which nothing was touched are left out."""
        found = {int(row.key): row.form.edit for row in self.rows if isinstance(row.form, RowForm)}
        return {pk: edit for pk, edit in found.items() if _says_something(edit)}

    @cached_property
    def new(self) -> dict[str, New]:
        """The apartments that are added."""
        return {
            str(row.key): New(
                row.building_id,
                row.form.typed("floor") or "",
                row.form.typed("number") or "",
                row.form.person,
                row.form.monitor,
            )
            for row in self.added
            if isinstance(row.form, NewForm) and row.form.is_used
        }

    def refuse(self, refusal: ActionError) -> None:
        """Show a refusal at the cells that it is about, else on top."""
        if isinstance(refusal, SheetOutdated):
            self.outdated = refusal.apartment_ids
        elif isinstance(refusal, SheetRefused):
            self.mark(refusal.errors)
        else:
            refuse(self, refusal)

    def mark(self, errors: Mapping[tuple[int | str, str], ActionError]) -> None:
        """Show refusals at their cells."""
        forms_by_key = {row.key: row.form for row in [*self.rows, *self.added]}
        for (key, name), error in errors.items():
            forms_by_key[key].refuse(name, error)

    def has_said(self, cell: tuple[int | str, str]) -> bool:
        """Whether the cell shows already what is wrong with it."""
        return any(row.key == cell[0] and cell[1] in row.form.errors for row in [*self.rows, *self.added])

    def with_mac(self, use: str) -> QueryDict:
        """What was sent, with the MAC "row:mac" of `use` taken over: for browsers without script."""
        assert isinstance(self.data, QueryDict)
        key, _colon, address = use.partition(":")
        typed = self.data.copy()
        if f"{key}-mac" in typed:
            typed[f"{key}-mac"] = address
        return typed

    def problems(self) -> list[dict[str, str]]:
        """What is wrong, cell by cell, for the error summary."""
        return [
            {"id": bound.id_for_label, "label": f"{_label(row)}, {COLUMNS.get(bound.name, '')}", "text": str(text)}
            for row in [*self.rows, *self.added]
            for bound in row.form
            for text in bound.errors
        ]


def _label(row: Row) -> str:
    return str(row.form["number"].value() or "")


def _says_something(edit: Edit) -> bool:
    return bool(edit.number is not None or edit.master is not None or edit.switches or edit.monitor)


def _split(typed: str) -> tuple[str, str]:
    """A name and a contact: "Ada Byron, ada@example.org", "Ada Byron <ada@example.org>", "Ada Byron +49 40 1234567"."""
    found = re.fullmatch(r"(.*?)[\s,;]*[<(]?([^\s,;<>()]+@[^\s,;<>()]+)[>)]?", typed) or re.fullmatch(
        r"(.*?)[\s,;]+(\+?[\d][\d\s()/.-]{5,})", typed
    )
    return (found[1].strip(" ,;"), found[2].strip()) if found else (typed, "")
