"""The list of drafts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Role
from communities.models import SiteDraft, Step
from smartplus import access
from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.lists import Column, List
from smartplus.portal.kit.markup import as_html, side_by_side

DRAFTS = List(
    title=gettext_lazy("Drafts of sites"),
    columns=(
        Column("name", gettext_lazy("Site"), keys=["name_order"]),
        Column("step", gettext_lazy("Next step")),
        Column("apartments", gettext_lazy("Apartments"), keys=["apartments"], css="r"),
        Column("saved", gettext_lazy("Saved"), keys=["updated_at"]),
        Column("by", gettext_lazy("Begun by"), css="col-680"),
        Column("do", gettext_lazy("Actions"), is_silent=True),
    ),
    own="-saved",
    layout="sites/base.html",
    table="two-line cards",
)
SHOWN = ("name", "step", "apartments", "updated_at", "created_by__name", "created_by__email")


class DraftCells(NamedTuple):
    """One draft."""

    url: str
    name: str
    step: str
    apartments: int
    saved: SafeString | str
    by: str
    do: SafeString


@access.roles(Role.INSTALLER)
@require_safe
def draft_list(request: access.PortalRequest) -> HttpResponse:
    """The drafts of the own firm, the last saved first."""
    listing = DRAFTS.asked(request)
    found = listing.narrowed(SiteDraft.objects.visible_to(request.actor).select_related("created_by"))
    page = listing.page(found, only=SHOWN)
    context = listing.context(page, cells(page.rows, request.now))
    return render(request, "new_site/list.html", {**context, "count": listing.count(page, found)})


def cells(drafts: Iterable[SiteDraft], now: datetime) -> list[DraftCells]:
    """The cells of drafts."""
    steps = {step.value: str(step.label) for step in Step}
    words = _("Continue"), _("Delete")
    return [
        DraftCells(
            address("site-draft", draft.pk), str(draft), steps[draft.step], draft.apartments, when(draft.updated_at, now),
            str(draft.created_by or "–"), _buttons(draft, words),
        )
        for draft in drafts
    ]  # fmt: skip


def _buttons(draft: SiteDraft, words: tuple[str, str]) -> SafeString:
    go_on = as_html(
        '<a class="b s" href="{}">{}<span class="vh"> {}</span></a>', address("site-draft", draft.pk), words[0], draft
    )
    delete = as_html(
        ' <button class="b s d" form="delete-draft" formaction="{}" data-what="{}">{}<span class="vh"> {}</span></button>',
        address("draft-delete", draft.pk), draft, words[1], draft,
    )  # fmt: skip
    return side_by_side([go_on, delete])
