"""The MAC library: the distributor keeps it, installers and technicians read their part of it."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Prefetch, QuerySet, TextField, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor, Role
from accounts.typed.text import sought
from devices import actions, reports
from devices.models import Device, LibraryEntry, Status
from smartplus import access
from smartplus.portal.kit import conflicts, keyset
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.answers import answer, conflict, posted, submitted
from smartplus.portal.kit.once import made, once
from smartplus.portal.library import exports as library_files
from smartplus.portal.library import rows as library_rows
from smartplus.portal.library.forms import AssignForm, LibraryAddForm

PAGE = 50
COLUMNS: keyset.Columns = {
    "added": ["pk"],
    "mac": ["mac"],
    "model": ["model_order", "mac"],
    "serial": ["serial_order", "mac"],
    "installer": ["installer_order", "mac"],
    "status": ["status", "mac"],
}
# What rows are made of; the tables have many more columns.
SHOWN = ("mac", "model", "type", "serial", "status", "version", "installer__name")
PLACED = ("library_entry", "site__name", "building__name", "apartment__number", "apartment__building__name")


@access.roles(Role.OPERATOR, Role.DISTRIBUTOR, Role.INSTALLER, Role.TECHNICIAN)
@require_safe
def library_list(request: access.PortalRequest) -> HttpResponseBase:
    """The MACs one may see, the newest first; with `format=csv` or `xlsx` all of them as a file."""
    text, status = sought(request.GET.get("q", "")), request.GET.get("status", "")
    entries: QuerySet[LibraryEntry] = LibraryEntry.objects.visible_to(request.actor)
    if status in Status.values:
        entries = entries.filter(status=status)
    may_keep = reads_notes(request.actor)
    if text:
        entries = reports.searched_library(entries, text, reads_notes=may_keep)
    places = Device.objects.visible_to(request.actor).active().select_related("site", "building", "apartment__building")
    places = places.only(*PLACED)
    entries = entries.select_related("installer").prefetch_related(Prefetch("devices", places, to_attr="places"))
    shows_installer = request.actor.role in {Role.OPERATOR, Role.DISTRIBUTOR}
    hidden = () if shows_installer else ("installer",)
    sorting = keyset.sorting(request.GET, COLUMNS, own="-added", hidden=hidden)
    if sorting.column == "installer":
        entries = entries.annotate(
            installer_order=Coalesce("installer__name_order", Value(""), output_field=TextField())
        )
    if file := tables.asked(request):
        shown = {"shows_installer": shows_installer, "shows_note": may_keep}
        lines = library_files.rows(entries.order_by(*sorting.by), **shown)
        return tables.answer(file, "mac-library", library_files.columns(**shown), lines)
    keys = [key for key in sorting.columns[sorting.column] if key != "installer_order"]
    entries = entries.only(*SHOWN, *keys)
    page = keyset.page(entries, by=sorting.by, query=request.GET, size=PAGE)
    context: dict[str, object] = {"page": page, "sorting": sorting, "q": text, "status": status}
    context["cells"] = library_rows.cells(page.rows, may_keep=may_keep, shows_installer=shows_installer)
    context |= {"statuses": Status.choices, "may_keep": may_keep, "shows_installer": shows_installer}
    return render(request, "library/list.html", context)


def reads_notes(actor: Actor) -> bool:
    """Whether the actor keeps the library: its notes are for nobody else."""
    return actor.role is Role.DISTRIBUTOR


@access.roles(Role.DISTRIBUTOR)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def library_add(request: access.PortalRequest) -> HttpResponse:
    """Add a pasted or scanned list; every row or none."""
    form = LibraryAddForm(posted(request), actor=request.actor)
    if form.is_bound and form.is_valid():
        try:
            added = actions.add_to_library(
                request.actor, macs=form.macs, installer_id=form.cleaned_data["installer"], now=request.now
            )
        except NotPermitted:
            raise
        except Refused as refusal:
            form.refuse(refusal)
        else:
            n = len(added)
            said = [ngettext("%(n)s MAC is added.", "%(n)s MACs are added.", n) % {"n": n}]
            if fixed := sum(row.was_fixed for row in form.lines):
                said.append(
                    ngettext("The format of %(n)s was fixed.", "The format of %(n)s was fixed.", fixed) % {"n": fixed}
                )
            messages.success(request, " ".join(said))
            return made(redirect("library-list"), added[0])
    return answer(request, "library/add.html", form)


@access.roles(Role.DISTRIBUTOR)
@require_http_methods(["GET", "HEAD", "POST"])
def library_assign(request: access.PortalRequest, entry_id: int) -> HttpResponse:
    """Keep a MAC for one installer, or put it back in stock."""
    entry = LibraryEntry.objects.visible_to(request.actor).select_related("installer").get(pk=entry_id)
    form = AssignForm(posted(request), actor=request.actor, initial=_kept_for(entry))
    try:
        saved = submitted(form, lambda: _assign(request, entry_id, form))
    except Conflict:
        entry.refresh_from_db()
        fresh = AssignForm(actor=request.actor, initial=_kept_for(entry))
        told = conflicts.clash(request, conflicts.about(entry), (form, fresh))
        return conflict(request, "library/assign.html", fresh, {"entry": entry}, told)
    if saved is None:
        return answer(request, "library/assign.html", form, {"entry": entry})
    where = saved.installer or _("stock")
    messages.success(request, _("%(mac)s is now with %(where)s.") % {"mac": saved, "where": where})
    return redirect("library-list")


def _kept_for(entry: LibraryEntry) -> dict[str, object]:
    return {"installer": entry.installer_id, "version": entry.version}


def _assign(request: access.PortalRequest, entry_id: int, form: AssignForm) -> LibraryEntry:
    installer, version = form.cleaned_data["installer"], form.cleaned_data["version"]
    return actions.assign_library_entry(
        request.actor, entry_id=entry_id, installer_id=installer, version=version, now=request.now
    )


@access.roles(Role.DISTRIBUTOR)
@require_POST
def library_retire(request: access.PortalRequest, entry_id: int) -> HttpResponse:
    """Take a MAC out of service; one in use is refused (R72)."""
    entry = LibraryEntry.objects.visible_to(request.actor).get(pk=entry_id)
    version = request.POST.get("version", "")
    try:
        actions.retire_library_entry(
            request.actor,
            entry_id=entry_id,
            version=int(version) if version.isdecimal() and len(version) < 10 else 0,
            now=request.now,
        )
    except NotPermitted:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("%(mac)s is retired: nobody can register it any more.") % {"mac": entry})
    return redirect("library-list")
