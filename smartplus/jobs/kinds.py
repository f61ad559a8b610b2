"""The kinds of long jobs: one table, which looks down. A kind says what it does, and what its page says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.long_jobs import Running
from accounts.models import LongJob
from smartplus.jobs import bulk, exporting, imports


class Link(NamedTuple):
    """Where a page leads."""

    words: Promise | str
    url: str


def _nowhere(_job: LongJob) -> Link | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of long job.

    `run` does the work: it comes forward with each step, and raises an ActionError where it can't be done. What is done in one step ends its
    job in the same transaction (`Running.done`), and is not stoppable: it is cancelled before it begins or not at all. `title` has `%(what)s` for
    the subject, `progress` `%(done)s` and `%(total)s`. `numbers` are keys of the result with their labels. `note` says what happens if one
    leaves. `result` is where the result is seen, `again` where one begins anew.
    """

    label: Promise
    title: Promise
    progress: Promise
    note: Promise
    run: Callable[[Running], None]
    numbers: tuple[tuple[str, Promise], ...] = ()
    is_stoppable: bool = True
    result: Callable[[LongJob], Link | None] = field(default=_nowhere)
    again: Callable[[LongJob], Link | None] = field(default=_nowhere)


EXPORT, BULK, BULK_UNDO, IMPORT = "export", "bulk", "bulk-undo", "import"
APARTMENTS = _("%(done)s of %(total)s apartments")
ALL_OR_NOTHING = _(
    "All or nothing: if one fails, none is changed. You can leave this page and find the job again under Jobs."
)
KINDS: dict[str, Kind] = {
    EXPORT: Kind(
        label=_("File of a list"),
        title=_("File %(what)s"),
        progress=_("%(done)s of %(total)s rows"),
        note=_("You can leave this page: the file is made all the same, and you find it again under Jobs."),
        run=exporting.run,
        again=lambda job: Link(_("Back to the list"), exporting.page_of(job)),
    ),
    BULK: Kind(
        label=_("Bulk change"),
        title=_("Bulk change of %(what)s"),
        progress=APARTMENTS,
        note=ALL_OR_NOTHING,
        run=bulk.run,
        is_stoppable=False,
        result=lambda job: Link(_("Open the change"), bulk.page_of_change(job)),
        again=lambda job: (
            Link(_("New preview"), bulk.page_of_preview(job)) if job.state != LongJob.State.DONE else None
        ),
    ),
    BULK_UNDO: Kind(
        label=_("Taking a bulk change back"),
        title=_("Taking back the bulk change of %(what)s"),
        progress=APARTMENTS,
        note=ALL_OR_NOTHING,
        run=bulk.run_undo,
        is_stoppable=False,
        result=lambda job: Link(_("Open the change"), bulk.page_of_change(job)),
        again=lambda job: Link(_("Back to the change"), bulk.page_of_preview(job)),
    ),
    IMPORT: Kind(
        label=_("Import of apartments"),
        title=_("Import of %(what)s"),
        progress=_("%(done)s of %(total)s rows"),
        note=_(
            "You can leave this page: the import goes on, and you find it again under Jobs and in the changes of the site."
        ),
        run=imports.run,
        numbers=(("new", _("new apartments")), ("changed", _("changed")), ("unchanged", _("unchanged"))),
        result=lambda job: Link(_("See what was imported"), imports.page_of(job)),
        again=lambda job: (
            Link(_("Back to the import"), imports.page_of(job)) if job.state != LongJob.State.DONE else None
        ),
    ),
}
