"""Lists as files: CSV as the reader's spreadsheet writes it, and XLSX with typed cells. A list says its columns once. A long list is made into a
file by a long job, which asks the same view again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

from babel.numbers import get_decimal_symbol
from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation

from payments.money import Money
from smartplus.access import JobRequest, PortalRequest
from smartplus.jobs import exporting
from smartplus.portal.kit import export_cells as cells
from smartplus.portal.kit.export_cells import Column, Kind

__all__ = ["Column", "Kind", "answer", "asked", "in_chunks"]
Row = TypeVar("Row", bound=Model)
FORMATS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINES = 200  # in one piece of a streamed file
CHUNK = 500  # rows looked at together


def asked(request: HttpRequest) -> str:
    """Which kind of file the address asks for; "" for the page."""
    wanted = request.GET.get("format", "")
    return wanted if wanted in FORMATS else ""


def answer(
    request: PortalRequest,
    format: str,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    count: Callable[[], int] | None = None,
) -> HttpResponseBase:
    """A download called `name`, in the reader's language and time zone. With more rows than the setting, a page that offers to make the file
    by a long job; for that job all rows are streamed, so memory does not grow with their number. `count` says how many there are."""
    if isinstance(request, JobRequest):
        if count is not None:
            request.running.expect(count())
        rows = request.running.counted(rows)
    else:
        rows = list(islice(rows, settings.EXPORT_ROWS_AT_ONCE + 1))
        if len(rows) > settings.EXPORT_ROWS_AT_ONCE:
            return _offer(request, format)
    if format == "xlsx":
        from smartplus.portal.kit import xlsx as workbook

        response = FileResponse(workbook.written(columns, rows), content_type=XLSX)
        response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
        return response
    lines = _lines(columns, rows, translation.get_language() or "en", timezone.get_current_timezone_name())
    streamed = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    streamed["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return streamed


def _offer(request: PortalRequest, format: str) -> HttpResponseBase:
    """The page that asks whether the file is to be made; a link alone writes nothing. Its token names the list, and only for this person."""
    address = exporting.address_of(request.path, request.GET, format)
    token = exporting.token_for(request.actor, address)
    context = {"token": token, "limit": settings.EXPORT_ROWS_AT_ONCE, "format": format.upper(), "back": request.path}
    return render(request, "export.html", context)


def in_chunks(found: QuerySet[Row], *, size: int = CHUNK) -> Iterator[list[Row]]:
    """All rows, in chunks: never all in memory, and each chunk large enough that one statement can ask something of
    all its rows."""
    waiting = found.iterator(chunk_size=size)
    while some := list(islice(waiting, size)):
        yield some


# --- CSV ----------------------------------------------------------------------------------------------------------------


def _lines(columns: Sequence[Column], rows: Iterable[Sequence[object]], language: str, zone: str) -> Iterator[str]:
    out = io.StringIO()
    decimal = str(get_decimal_symbol(language.replace("-", "_")))
    writer = csv.writer(out, delimiter=";" if decimal == "," else ",")  # as spreadsheets of that language expect it
    writer.writerow([column.head for column in columns])
    yield "\ufeff" + out.getvalue()
    waiting = iter(rows)
    while True:
        out.seek(0)
        out.truncate()
        with (
            translation.override(language),
            timezone.override(zone),
        ):  # not over a yield: others use this thread meanwhile
            for row in islice(waiting, LINES):
                writer.writerow([_text(value, decimal) for value in row])
        if not out.getvalue():
            return
        yield out.getvalue()


def _text(value: object, decimal: str) -> str:
    """A cell of CSV. Texts that begin like a formula get an apostrophe before them; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if cells.is_like_formula(value) else value
    if isinstance(value, Money):
        return f"{cells.decimal(value):f}".replace(".", decimal)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime(f"{cells.days()[0]} %H:%M:%S")
    if isinstance(value, date):
        return value.strftime(cells.days()[0])
    return str(value)
