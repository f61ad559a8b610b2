"""The form of an import: a file, or copied cells."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices import imported, spreadsheets
from devices.imported import Line
from devices.spreadsheets import Limits, Rows
from smartplus.portal.kit.fields import RawField
from smartplus.portal.kit.responses import refusals_into

MAX_CHARACTERS = 2_000_000


def limits() -> Limits:
    """The most that an import reads, by the settings."""
    return Limits(
        bytes=settings.IMPORT_MB * 2**20, unpacked=settings.IMPORT_UNPACKED_MB * 2**20, rows=settings.IMPORT_ROWS
    )


class ImportForm(forms.Form):
    """One of both is needed. `lines` and `columns` are what was read; `name` and `size` are of the file."""

    file = forms.FileField(
        label=gettext_lazy("File (CSV or XLSX)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx,text/csv"}),
    )
    text = RawField(
        label=gettext_lazy("Or copied cells"),
        required=False,
        strip=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("Copied from a spreadsheet, with the names of the columns in the first row."),
    )

    def __init__(
        self, data: QueryDict | None = None, files: MultiValueDict[str, UploadedFile[Any]] | None = None
    ) -> None:
        super().__init__(data, files, label_suffix="")
        self.lines: list[Line] = []
        self.columns: list[str] = []
        self.name, self.size = "", 0

    def clean(self) -> dict[str, Any]:
        """Read the table; what is wrong with it stands at the field it came from."""
        values = super().clean() or {}
        if self.errors:
            return values
        with refusals_into(self):
            rows = self._rows(values)
            self.columns, begin = imported.columns_of(rows)
            self.lines = imported.lines_of(rows, self.columns, begin)
        return values

    def _rows(self, values: dict[str, Any]) -> Rows:
        if file := values.get("file"):
            self.name, self.size = str(file.name), int(file.size)
            return spreadsheets.read(file.read(limits().bytes + 1), limits())
        pasted = str(values.get("text") or "")
        self.name, self.size = _("copied cells"), len(pasted.encode())
        if not pasted.strip():
            self.add_error("file", _("Choose a file, or paste the cells."))
            return []
        return spreadsheets.pasted(pasted, limits())
