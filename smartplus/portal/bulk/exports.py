"""The apartments of a bulk change as a file: before it is applied, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from django.http.response import HttpResponseBase
from django.utils.text import slugify
from django.utils.translation import gettext as _

from communities.audit_sentences import APARTMENT_FIELDS
from communities.models import Apartment, ServiceChange, ServiceChangeRow, Site
from devices.bulk import SWITCHES, DryRun
from smartplus.access import PortalRequest
from smartplus.portal.kit.exports import Column, answer, asked, in_chunks

__all__ = ["asked", "of_change", "of_dry_run"]


def of_dry_run(request: PortalRequest, site: Site, run: DryRun, file: str) -> HttpResponseBase:
    """What would change, as it is now and as it would be then."""
    wanted = run.wanted
    seen = Apartment.objects.visible_to(request.actor).filter(pk__in=wanted.changed(site).values("pk"))
    rows = seen.select_related("building").order_by("target__sort_key", "pk")

    def lines() -> Iterator[list[object]]:
        for some in in_chunks(rows):
            for row in some:
                before = [getattr(row, code) for code in SWITCHES]
                after = [wanted.switches.get(code, value) for code, value in zip(SWITCHES, before, strict=True)]
                yield _line(row, before, after)

    return answer(request, file, f"{_name(site)}-bulk", _columns(), lines(), count=rows.order_by().count)


def of_change(request: PortalRequest, change: ServiceChange, file: str) -> HttpResponseBase:
    """What a change did."""
    rows = (
        ServiceChangeRow.objects.visible_to(request.actor).filter(change=change).select_related("apartment__building")
    )

    def lines() -> Iterator[list[object]]:
        for some in in_chunks(rows.order_by("apartment__target__sort_key", "pk")):
            for row in some:
                yield _line(
                    row.apartment, [row.before[code] for code in SWITCHES], [row.after[code] for code in SWITCHES]
                )

    return answer(
        request, file, f"{_name(change.site)}-bulk-{change.pk}", _columns(), lines(), count=rows.order_by().count
    )


def _name(site: Site) -> str:
    return slugify(site.name) or f"site-{site.pk}"


def _columns() -> list[Column]:
    columns = [Column(_("Building")), Column(_("Floor")), Column(_("Number"))]
    for code in SWITCHES:
        label = str(APARTMENT_FIELDS[code])
        columns += [Column(_("%(what)s before") % {"what": label}), Column(_("%(what)s after") % {"what": label})]
    return columns


def _line(row: Apartment, before: list[bool], after: list[bool]) -> list[object]:
    words = {True: _("On"), False: _("Off")}
    pairs = [words[value] for pair in zip(before, after, strict=True) for value in pair]
    return [row.building.name, row.floor, row.number, *pairs]
