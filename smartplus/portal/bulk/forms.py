"""Monitors for the apartments that would need one: a row for each, or one tick that lets them wait (R17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.errors import ActionError, Conflict
from communities.models import Apartment
from devices.actions import MonitorEntry
from devices.errors import BulkMonitorsMissing, BulkMonitorsRefused
from smartplus.portal.kit.fields import refuse
from smartplus.portal.kit.monitors import MonitorForm

ROWS = 50  # apartments with a row of their own; the others can only wait
WAITS = "may_wait"


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """An apartment without a monitor, who lives there, and the monitor that is typed for it."""

    apartment: Apartment
    master: str
    form: MonitorForm


class MonitorSheet(forms.Form):
    """All of them together, with the tick. What is wrong stands at its row."""

    may_wait = forms.BooleanField(required=False)

    def __init__(
        self, data: QueryDict | None, apartments: Sequence[Apartment], masters: dict[int, str], *, beyond: int
    ) -> None:
        super().__init__(data, label_suffix="")
        self.beyond = beyond  # how many more apartments have no monitor
        self.outdated = ""  # the sentence where something changed since the dry run
        self.rows = [
            MonitorRow(row, masters.get(row.pk, ""), MonitorForm(data, prefix=f"m{row.pk}", label_suffix=""))
            for row in apartments
        ]
        self.fields[WAITS].label = _("Apartments left empty wait for their monitor")

    def is_valid(self) -> bool:
        """Whether all rows are in shape; all are looked at, so that everything wrong is said at once."""
        return all([super().is_valid(), *(row.form.is_valid() for row in self.rows)])

    @property
    def entries(self) -> dict[int, MonitorEntry]:
        """The typed monitors, by the id of the apartment."""
        return {row.apartment.pk: row.form.entry for row in self.rows if not row.form.is_blank}

    @property
    def typed(self) -> list[int]:
        """The ids of the apartments for which a MAC is typed, right or wrong."""
        return [row.apartment.pk for row in self.rows if row.form["mac"].value()]

    def refuse(self, refusal: ActionError) -> None:
        """Show a refusal at the rows that it is about, else on top; after a Conflict the page shows another dry run."""
        by_id = {row.apartment.pk: row.form for row in self.rows}
        if isinstance(refusal, Conflict):
            self.outdated = str(refusal)
        elif isinstance(refusal, BulkMonitorsRefused):
            for pk, error in refusal.errors.items():
                by_id[pk].refuse(error)
        elif isinstance(refusal, BulkMonitorsMissing):
            for pk in refusal.apartment_ids:
                if pk in by_id:
                    by_id[pk].add_error("mac", _("MAC needed"))
            self.add_error(None, str(refusal))
        else:
            refuse(self, refusal)

    def with_mac(self, use: str) -> MonitorSheet:
        """The same as typed, unchecked, with the MAC "apartment:mac" of `use` taken over: for browsers without script."""
        number, _colon, address = use.partition(":")
        assert isinstance(self.data, QueryDict)
        typed = self.data.copy()
        if f"m{number}-mac" in typed:
            typed[f"m{number}-mac"] = address
        sheet = MonitorSheet(None, [row.apartment for row in self.rows], {}, beyond=self.beyond)
        sheet.rows = [MonitorRow(row.apartment, row.master, _as_typed(row.form, typed)) for row in self.rows]
        sheet.initial = {WAITS: WAITS in typed}
        return sheet

    def problems(self) -> list[dict[str, str]]:
        """What is wrong, row by row, for the error summary."""
        return [
            {"id": bound.id_for_label, "label": str(row.apartment), "text": str(text)}
            for row in self.rows
            if row.form.is_bound
            for bound in row.form
            for text in bound.errors
        ]


def _as_typed(form: MonitorForm, typed: QueryDict) -> MonitorForm:
    values = {name: typed.get(form.add_prefix(name), "") for name in form.fields}
    return MonitorForm(prefix=form.prefix, label_suffix="", initial=values)
