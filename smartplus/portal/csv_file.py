"""Tables as CSV files that spreadsheets open: UTF-8 with its mark, and no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone, translation

LINES = 200  # in one piece of a streamed file
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet calculate; names come from people


def answer(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download called `name`.csv. Texts that begin like a formula get an apostrophe before them; numbers stay numbers."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    response = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def streamed(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """The same for rows too many to be held at once; they are made while it is sent, in the language and at the time of now."""
    response = StreamingHttpResponse(
        _lines(head, rows, translation.get_language() or "en", timezone.get_current_timezone_name()),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(head: Sequence[str], rows: Iterable[Sequence[object]], language: str, zone: str) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
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
                writer.writerow([_cell(value) for value in row])
        if not out.getvalue():
            return
        yield out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value
