"""The grid of monitors: an apartment a row, with MAC, name and, where it is new, the family master."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django import forms
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from accounts.typed import mail
from accounts.typed.keys import identity_key
from devices import mac
from devices.actions import CheckedMac
from devices.addresses import Mac
from devices.catalogue import TYPE_LABELS
from devices.errors import MacRefused
from smartplus.portal.kit.fields import LineField, MailInput, RawField, refuse
from smartplus.portal.kit.monitors import MonitorForm

ROWS = 50  # of a page
TYPED = ("mac", "name", "confirmed", "master", "email")
Typed = dict[str, str]


class GridForm(MonitorForm):
    """A row: the monitor, and who lives there."""

    master = LineField(
        label=gettext_lazy("Family master"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = RawField(
        label=gettext_lazy("Email"),
        max_length=mail.LONGEST,
        required=False,
        widget=MailInput(attrs={"autocomplete": "off"}),
    )

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at the field it is about."""
        if refusal.field in {"master", "email"}:
            refuse(self, refusal)
        else:
            super().refuse(refusal)


class Cell(NamedTuple):
    """A field of a row: its control, and what is wrong with it. Of the MAC that is said by the check below it."""

    name: str
    label: str
    control: SafeString
    id: str
    error: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """One apartment of the grid. `key` is what it is called by in the form, `group` its building."""

    key: str
    group: str
    label: str
    form: GridForm
    is_required: bool = True
    default_name: str = ""

    def confirm(self) -> SafeString:
        """The box that confirms another maker's MAC (R71)."""
        return self.form["confirmed"].as_widget(attrs={"class": "ck"})

    def cells(self) -> list[Cell]:
        """MAC, name, and where the apartment is new its family master and the address."""
        return [self._cell(name) for name in ("mac", "name", "master", "email") if name in self.form.fields]

    def _cell(self, name: str) -> Cell:
        bound = self.form[name]
        label, error = str(bound.label), str(bound.errors[0]) if bound.errors else ""
        described = f"{bound.id_for_label}_said" if name == "mac" or error else ""
        attrs: dict[str, str | bool] = {
            "class": "in mono" if name == "mac" else "in", "aria-label": f"{self.group} {self.label}, {label}", "data-column": name,
        }  # fmt: skip
        if name == "mac":
            attrs["data-mac"] = True
        elif name == "name" and self.default_name:
            attrs["placeholder"] = self.default_name
        if described:
            attrs["aria-describedby"] = described
        return Cell(name, label, bound.as_widget(attrs=attrs), str(bound.id_for_label), error)


class MacSaid(NamedTuple):
    """What is said below a MAC, as `devices/_check.html` shows it."""

    id: str
    checked: CheckedMac | None
    device: str
    was_fixed: bool
    problem: str
    suggestion: Mac | None


def mac_said(id: str, typed: str, checked: CheckedMac | None, refusal: Refused | None) -> MacSaid:
    """What is said below a MAC that was checked."""
    device = (checked.model or str(TYPE_LABELS[checked.type])) if checked else ""
    suggestion = refusal.suggestion if isinstance(refusal, MacRefused) else None
    was_fixed = checked is not None and mac.read(typed).was_fixed
    return MacSaid(id, checked, device, was_fixed, str(refusal) if refusal else "", suggestion)


class Spot(NamedTuple):
    """An apartment that a grid may show: its key, building and number, whether it requires a monitor."""

    key: str
    group: str
    label: str
    is_required: bool = True


class MonitorGrid:
    """Some apartments with what is typed for them, all of them checked, so that everything wrong is said at once."""

    def __init__(
        self, spots: Sequence[Spot], typed: Mapping[str, Mapping[str, str]], *, default_name: str = ""
    ) -> None:
        self.default_name = default_name  # of a monitor whose row says no other
        self.rows = [self._row(at, spot, typed.get(spot.key, {})) for at, spot in enumerate(spots)]
        self.said: dict[str, MacSaid] = {}
        for row in self.rows:
            row.form.is_valid()

    def _row(self, at: int, spot: Spot, typed: Mapping[str, str]) -> GridRow:
        data = {f"r{at}-{name}": typed[name] for name in TYPED if typed.get(name)}
        form = GridForm(data, prefix=f"r{at}", label_suffix="")
        return GridRow(spot.key, spot.group, spot.label, form, spot.is_required, self.default_name)

    @property
    def heads(self) -> list[str]:
        """The heads of the columns after the apartment."""
        form = self.rows[0].form if self.rows else GridForm()
        return [str(form.fields[name].label) for name in ("mac", "name", "master", "email") if name in form.fields]

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.heads) + 1

    @property
    def with_checks(self) -> list[tuple[GridRow, MacSaid | None]]:
        """The rows, each with what its MAC says; None where none is typed."""
        return [(row, self.said.get(row.key)) for row in self.rows]

    def refuse(self, errors: Mapping[str, Refused]) -> None:
        """Show refusals at their rows, by the keys of these."""
        for row in self.rows:
            if refusal := errors.get(row.key):
                row.form.refuse(refusal)

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong on this page."""
        return not any(row.form.errors for row in self.rows)

    def problems(self) -> Iterator[dict[str, str]]:
        """What is wrong, row by row, for the error summary."""
        for row in self.rows:
            for bound in row.form:
                for text in bound.errors:
                    yield {
                        "id": str(bound.id_for_label),
                        "label": f"{row.group} {row.label}".strip(),
                        "text": str(text),
                    }


def sent_rows(sent: QueryDict, keys: Sequence[str]) -> dict[str, Typed | None]:
    """What was typed for the apartments of a page, by their keys; None where nothing stands. Unknown keys are left out."""
    known, found = set(keys), dict[str, Typed | None]()
    for at, key in enumerate(sent.getlist("row")[:ROWS]):
        if key in known:
            row = {name: value[:300] for name in TYPED if (value := sent.get(f"r{at}-{name}", "")).strip()}
            found[key] = row or None
    return found


def placed(pasted: str, spots: Sequence[Spot], has_mac: Callable[[str], bool]) -> dict[str, Typed]:
    """Where the lines of a pasted column go: a line that names an apartment by its number goes there, any other to the next one without a
    MAC, in order. A line is MAC, name; or number, MAC, name; or MAC and number in any order."""
    by_number: dict[str, list[str]] = {}
    for spot in spots:
        by_number.setdefault(identity_key(spot.label), []).append(spot.key)
    free = iter([spot.key for spot in spots if not has_mac(spot.key)])
    found: dict[str, Typed] = {}
    for line in filter(str.strip, pasted.splitlines()):
        cells = [cell.strip() for cell in _cells(line)]
        at = next((n for n, cell in enumerate(cells) if len(by_number.get(identity_key(cell), ())) == 1), None)
        names_one = at is not None and len(cells) > 1
        key = (
            by_number[identity_key(cells.pop(at or 0))][0]
            if names_one
            else next((k for k in free if k not in found), "")
        )
        if key:
            found[key] = _monitor(cells)
    return found


def _cells(line: str) -> list[str]:
    divider = next((sign for sign in ("\t", ";", "|", ",") if sign in line), None)
    return line.split(divider) if divider else [line]


def _monitor(cells: Sequence[str]) -> Typed:
    """The MAC among these cells, and the first other one as the name."""
    at = next((n for n, cell in enumerate(cells) if mac.read(cell).mac), 0)
    names = [cell for n, cell in enumerate(cells) if n != at and cell]
    return {"mac": cells[at] if cells else ""} | ({"name": names[0][:64]} if names else {})
