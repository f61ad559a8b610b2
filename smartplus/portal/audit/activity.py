"""The latest changes, as a dashboard lists them: similar ones as one line, with who, when, and a link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from babel.dates import format_date, format_time
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.audit.sentences import Names
from accounts.models import AuditEvent
from accounts.scope import Role
from communities.models import Site
from smartplus import vocabulary
from smartplus.access import PortalRequest
from smartplus.portal.audit import queries as audit_log

LOOKED_AT = 60  # so that a whole building entered at once is one line and something older still shows
SHOWN = 7
DAY = {"en": "d MMM", "de": "d. MMM"}


@dataclass(frozen=True, slots=True)
class Activity:
    """One line: what happened, who did it, at which site. `when` is short, `at` exact; `url` may be empty."""

    what: str
    who: str
    site: str
    when: str
    at: datetime
    url: str


def recent(request: PortalRequest, *, names: Mapping[int, str] | None = None) -> list[Activity]:
    """The latest changes that the actor may read; similar ones in a row are one line. One statement, another for the
    names of sites if the page does not pass them, and two for the people and firms that rows name by id."""
    newest = AuditEvent.objects.visible_to(request.actor).whole().newest(request.actor).values("pk")[:LOOKED_AT]
    found = AuditEvent.objects.visible_to(request.actor).filter(pk__in=newest)
    rows = list(found.select_related("organization", "distributor").order_by("-pk"))
    alike = [list(group) for _key, group in groupby(rows, key=_session)]
    alike = alike[:SHOWN]
    if names is None:
        ids = {group[0].site_id for group in alike if group[0].site_id}
        names = dict(Site.every.visible_to(request.actor).filter(pk__in=ids).values_list("pk", "name"))
    known = audit_log.names_in(request.actor, [group[0] for group in alike])
    return [_activity_of(request, group, names, known[group[0].pk]) for group in alike]


def _session(row: AuditEvent) -> tuple[object, ...]:
    """The key by which rows are gathered: at a site the person, so that one visit is one line; elsewhere person and
    action."""
    return (row.user_id, row.site_id) if row.site_id else (row.user_id, row.action)


def _activity_of(
    request: PortalRequest, group: Iterable[AuditEvent], names: Mapping[int, str], known: Names
) -> Activity:
    first, *others = group
    what = vocabulary.sentence(first, known)
    if others:
        what = _("%(what)s and %(n)s more") % {"what": what, "n": len(others)}
    url = ""
    if first.subject_type == "servicechange":
        url = reverse("change-detail", args=[first.subject_id])
    elif first.subject_type == "order":
        url = reverse("order-detail", args=[first.subject_label])
    elif first.site_id in names:
        url = reverse("site-detail", args=[first.site_id])
    return Activity(
        what=what,
        who=_who(request, first),
        site=names.get(first.site_id or 0, ""),
        when=_when(first.at, request.now),
        at=first.at,
        url=url,
    )


def _who(request: PortalRequest, event: AuditEvent) -> str:
    if event.actor_role == Role.SYSTEM:
        return "SmartPlus"  # which job it was is not shown on this page
    return _("You") if event.user_id == request.actor.user_id else event.who


def _when(at: datetime, now: datetime) -> str:
    """How a line says its time: "09:12" today, "Sat" within a week, else "12 Nov"."""
    language = (get_language() or "en").split("-", maxsplit=1)[0]
    local = timezone.localtime(at)
    days = (timezone.localtime(now).date() - local.date()).days
    if days == 0:
        return str(format_time(local.time(), "HH:mm", locale=language))
    return str(format_date(local.date(), "EEE" if days < 7 else DAY.get(language, "d MMM"), locale=language))
