"""Accounts of people at a commercial site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from communities.actions import commercial_accounts
from communities.models import CommercialAccount, Entitlement, Kind
from smartplus import access
from smartplus.portal.commercial.forms import AccountForm
from smartplus.portal.kit import edits
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.site_context import HOUSEKEEPERS, site_context, visible_site

ROWS = 200  # switches of one form; the page has fewer


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def account_new(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Add a person; the account is billed while its intercom is on (R35)."""
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMERCIAL:
        raise Http404
    return edits.add(
        request,
        "commercial/account.html",
        form=AccountForm(posted(request), country=site.country),
        act=lambda form: commercial_accounts.add_account(
            request.actor, site_id=site_id, holder=form.holder, now=request.now
        ),
        context=lambda _form: site_context(request, site, "doors"),
        said=lambda saved, _form: _("%(name)s is added.") % {"name": saved.name},
        to=_home,
    )


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def account_edit(request: access.PortalRequest, account_id: int) -> HttpResponse:
    """Correct an account, or take it out of use."""

    def context(account: CommercialAccount, _form: AccountForm) -> edits.Context:
        items = Entitlement.objects.visible_to(request.actor).filter(target=account.target_id)
        paid = items.exclude(expires_at=None).exists()
        return {**site_context(request, account.site, "doors"), "account": account, "is_paid": paid}

    return edits.edit(
        request,
        "commercial/account.html",
        edits.Edit(
            row=lambda: _account(request, account_id),
            form=lambda account, sent: AccountForm(sent, country=account.site.country, account=account),
            act=lambda form: commercial_accounts.edit_account(
                request.actor, account_id=account_id, version=edits.version_of(form), holder=form.holder, now=request.now
            ),
            context=context,
            said=lambda saved, _form: _("%(name)s is saved.") % {"name": saved.name},
            to=_home,
        ),
    )  # fmt: skip


@access.roles(*HOUSEKEEPERS)
@require_POST
@refused_at("commercial-site")
def account_switch(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Switch the intercoms of a page of people as they are ticked, all or none; 404 for what the page did not show."""
    shown = dict(_pairs(request.POST.getlist("row")[:ROWS]))
    ticked = {typed_id(value) for value in request.POST.getlist("on")[:ROWS]}
    if not ticked <= set(shown):  # a tick that belongs to no row of the page: nothing is guessed
        raise Http404
    n = commercial_accounts.switch_intercoms(
        request.actor, site_id=site_id, wanted={pk: pk in ticked for pk in shown}, versions=shown, now=request.now
    )
    said = ngettext("The intercom of %(n)s account is switched.", "The intercoms of %(n)s accounts are switched.", n)
    messages.success(request, f"{said % {'n': n}} {_('Nothing is charged before it is activated.')}")
    return redirect("commercial-site", site_id)


def _back(request: access.PortalRequest) -> str:
    match = request.resolver_match
    assert match is not None
    return reverse("account-edit", kwargs=match.kwargs)


@access.roles(*HOUSEKEEPERS)
@require_POST
@refused_at(_back)
def account_archive(request: access.PortalRequest, account_id: int) -> HttpResponse:
    """Take an account out of use; what is paid of it stays."""
    saved = _done(request, account_id, commercial_accounts.archive_account)
    messages.success(request, _("%(name)s is archived. Its paid time is kept.") % {"name": saved.name})
    return redirect(_home(saved))


@access.roles(*HOUSEKEEPERS)
@require_POST
@refused_at(_back)
def account_restore(request: access.PortalRequest, account_id: int) -> HttpResponse:
    """Use an archived account again."""
    saved = _done(request, account_id, commercial_accounts.restore_account)
    messages.success(request, _("%(name)s is in use again.") % {"name": saved.name})
    return redirect(_home(saved))


@access.roles(*HOUSEKEEPERS)
@require_POST
@refused_at(_back)
def account_remove(request: access.PortalRequest, account_id: int) -> HttpResponse:
    """Delete an account that nothing was paid for."""
    name = _account(request, account_id).name
    site = _done(request, account_id, commercial_accounts.remove_account)
    messages.success(request, _("%(name)s is removed.") % {"name": name})
    return redirect("commercial-site", site.pk)


def _pairs(texts: list[str]) -> list[tuple[int, int]]:
    """Ids and versions of "7:2"; 0, which no row has, for what is none."""
    parts = (text.partition(":") for text in texts)
    return [(typed_id(pk), typed_id(version)) for pk, _colon, version in parts]


def _done(request: access.PortalRequest, account_id: int, act: Callable[..., Any]) -> Any:
    version = typed_id(request.POST.get("version"))
    return act(request.actor, account_id=account_id, version=version, now=request.now)


def _account(request: access.PortalRequest, account_id: int) -> CommercialAccount:
    rows = CommercialAccount.objects.visible_to(request.actor)
    return rows.select_related("site__installer__distributor", "site__installer__subdistributor").get(pk=account_id)


def _home(account: CommercialAccount) -> str:
    return reverse("commercial-site", args=[account.site_id])
