"""The pages on which the distributor keeps the MAC library."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.scope import Role
from devices import actions
from devices.models import LibraryEntry
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.library.forms import AssignForm, LibraryAddForm


@access.roles(Role.DISTRIBUTOR)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def library_add(request: access.PortalRequest) -> HttpResponse:
    """Add a pasted or scanned list; all rows or none."""
    form = LibraryAddForm(posted(request), actor=request.actor)
    added = submitted(
        form,
        lambda: actions.add_to_library(
            request.actor, macs=form.macs, installer_id=form.cleaned_data["installer"], now=request.now
        ),
    )
    if added is None:
        return answer(request, "library/add.html", form)
    n = len(added)
    said = [ngettext("%(n)s MAC is added.", "%(n)s MACs are added.", n) % {"n": n}]
    if fixed := sum(row.was_fixed for row in form.lines):
        said.append(ngettext("The format of %(n)s was fixed.", "The format of %(n)s was fixed.", fixed) % {"n": fixed})
    messages.success(request, " ".join(said))
    return made(redirect("library-list"), added[0])


@access.roles(Role.DISTRIBUTOR)
@require_http_methods(["GET", "HEAD", "POST"])
def library_assign(request: access.PortalRequest, entry_id: int) -> HttpResponse:
    """Assign a MAC to one installer, or put it back in stock."""
    entries = LibraryEntry.objects.visible_to(request.actor).select_related("installer")
    return edits.edit(
        request,
        "library/assign.html",
        edits.Edit(
            row=lambda: entries.get(pk=entry_id),
            form=lambda entry, sent: AssignForm(
                sent, actor=request.actor, initial={"installer": entry.installer_id, "version": entry.version}
            ),
            act=lambda form: actions.assign_library_entry(
                request.actor,
                entry_id=entry_id,
                installer_id=form.cleaned_data["installer"],
                version=form.cleaned_data["version"],
                now=request.now,
            ),
            context=lambda entry, _form: {"entry": entry},
            said=lambda saved, _form: (
                _("%(mac)s is now with %(where)s.") % {"mac": saved, "where": saved.installer or _("stock")}
            ),
            to=lambda _saved: reverse("library-list"),
        ),
    )


@access.roles(Role.DISTRIBUTOR)
@require_POST
@refused_at(lambda _request: reverse("library-list"))
def library_retire(request: access.PortalRequest, entry_id: int) -> HttpResponse:
    """Retire a MAC; one in use is refused (R72)."""
    entry = LibraryEntry.objects.visible_to(request.actor).get(pk=entry_id)
    version = request.POST.get("version", "")
    actions.retire_library_entry(
        request.actor,
        entry_id=entry_id,
        version=int(version) if version.isdecimal() and len(version) < 10 else 0,
        now=request.now,
    )
    messages.success(request, _("%(mac)s is retired: nobody can register it any more.") % {"mac": entry})
    return redirect("library-list")
