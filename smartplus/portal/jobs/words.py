"""What a page says of a long job."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel.dates import format_timedelta
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import LongJob
from smartplus.jobs.kinds import KINDS, Kind

S = LongJob.State
TONES = {
    S.WAITING: "pending",
    S.RUNNING: "pending",
    S.DONE: "active",
    S.FAILED: "lapsed",
    S.CANCELLED: "inactive",
}
STOPPING: Promise = gettext_lazy("Stopping")
MIN_SHARE = 0.02  # of the work, before which nobody can say how long it takes


def title(job: LongJob) -> str:
    """What the job does, as its page is called."""
    kind = KINDS.get(job.kind)
    return str(kind.title) % {"what": job.subject} if kind else job.subject


def label(job: LongJob) -> str:
    """What kind of job it is."""
    kind = KINDS.get(job.kind)
    return str(kind.label) if kind else job.kind


def status(job: LongJob) -> tuple[str, str]:
    """The tone and the word of how it stands."""
    state = S(job.state)
    if job.is_open and job.cancel_asked_at is not None:
        return "pending", str(STOPPING)
    if state is S.DONE and job.failures:
        return "expiring", _("Done, %(n)s not done") % {"n": job.failures}
    return TONES[state], str(state.label)


def progress(job: LongJob) -> str:
    """How far it is: "31 of 42 rows"."""
    kind = KINDS.get(job.kind)
    if job.total is None or kind is None:
        return _("%(n)s rows so far") % {"n": job.done}
    return str(kind.progress) % {"done": job.done, "total": job.total}


def left(job: LongJob, now: datetime) -> str:
    """About how long it still takes; "" where nobody can say yet."""
    if job.state != S.RUNNING or not job.total or job.started_at is None or job.done < job.total * MIN_SHARE:
        return ""
    passed = (now - job.started_at).total_seconds()
    rest = timedelta(seconds=max(1, round(passed / job.done * (job.total - job.done))))
    language = (translation.get_language() or "en").replace("-", "_")
    return _("about %(time)s left") % {"time": format_timedelta(rest, threshold=1.2, locale=language)}


def numbers(job: LongJob, kind: Kind | None) -> list[tuple[str, int, bool]]:
    """The numbers of the result with their labels, and whether one is bad."""
    found = [(str(words), int(job.result.get(key, 0)), False) for key, words in (kind.numbers if kind else ())]
    if found:
        found.append((_("not done"), job.failures, job.failures > 0))
        if job.is_open and job.total:
            found.append((_("to go"), job.total - job.done, False))
    return found
