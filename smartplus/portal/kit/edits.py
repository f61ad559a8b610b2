"""The page that edits one row, and the page that adds one: read the row, fill the form, run the action, and show both
inputs if somebody saved first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.db.models import Model, Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect

from accounts.errors import Conflict
from smartplus.access import PortalRequest
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.once import made
from smartplus.portal.kit.responses import answer, conflict, posted, submitted

Row = TypeVar("Row")
Form = TypeVar("Form", bound=forms.BaseForm)
Saved = TypeVar("Saved")
Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Generic[Row, Form, Saved]):
    """What is edited, and how.

    `row` reads it as the actor sees it, again after a conflict; `form` fills the form with it; `act` is one action, which raises Conflict
    for another version. `said` is the message and `to` the address after it. `asks` answers with the form to show where the person only
    asked for something, such as a price. `fresh` is the form after a conflict where `form` alone does not say it. `saved_by` finds the audit
    rows that tell who saved the row, `is_own` says that nobody but the person can have. A form may have several `parts`.
    """

    row: Callable[[], Row]
    form: Callable[[Row, QueryDict | None], Form]
    act: Callable[[Form], Saved]
    said: Callable[[Saved, Form], str]
    to: Callable[[Saved], str]
    context: Callable[[Row, Form], Context] = lambda _row, _form: {}
    asks: Callable[[Form], Form | None] = lambda _form: None
    fresh: Callable[[Row], Form] | None = None
    saved_by: Callable[[Row], Q] | None = None
    is_own: bool = False


def edit(request: PortalRequest, template: str, page: Edit[Row, Form, Saved]) -> HttpResponse:
    """Show or save the form of one row: 200, 422 when something in it is refused, 409 when somebody saved first, else on `to`."""
    found = page.row()
    sent = page.form(found, posted(request))
    if sent.is_bound and (asked := page.asks(sent)) is not None:
        return answer(request, template, asked, lambda: page.context(found, asked))
    try:
        saved = submitted(sent, lambda: page.act(sent))
    except Conflict:
        now = page.row()
        both = page.fresh(now) if page.fresh else page.form(now, None)
        who = page.saved_by(now) if page.saved_by else _about(now)

        def context(form: Form) -> Context:
            return page.context(now, form)

        return conflict(request, template, sent, both, who, context=context, is_own=page.is_own)
    if saved is None:
        return answer(request, template, sent, lambda: page.context(found, sent))
    messages.success(request, page.said(saved, sent))
    return redirect(page.to(saved))


def add(
    request: PortalRequest,
    template: str,
    *,
    form: Form,
    act: Callable[[Form], Saved],
    said: Callable[[Saved, Form], str],
    to: Callable[[Saved], str],
    context: Callable[[Form], Context] = lambda _form: {},
    asks: Callable[[Form], Form | None] = lambda _form: None,
) -> HttpResponse:
    """Show an empty form, or make a row of what was sent, with a view that is `@once`: 200, 422 when something is refused, else on `to`.

    `asks` as for `Edit`; what only asks claims nothing (`once_where`).
    """
    if form.is_bound and (asked := asks(form)) is not None:
        return answer(request, template, asked, lambda: context(asked))
    saved = submitted(form, lambda: act(form))
    if saved is None:
        return answer(request, template, form, lambda: context(form))
    messages.success(request, said(saved, form))
    return made(redirect(to(saved)), saved if isinstance(saved, Model) else None)


def follow(
    request: PortalRequest,
    template: str,
    *,
    form: Form,
    act: Callable[[Form], Saved],
    said: Callable[[Saved, Form], str],
    to: Callable[[Saved], str],
    overtaken: Callable[[Form], tuple[Form, Q]],
    context: Callable[[Form], Context] = lambda _form: {},
) -> HttpResponse:
    """`add` for a row that follows the last one of its kind: `act` raises Conflict for another last one, 409.

    `overtaken` then answers with the form of what is the last one now, and with the audit rows that tell who made it.
    """
    try:
        return add(request, template, form=form, act=act, said=said, to=to, context=context)
    except Conflict:
        fresh, who = overtaken(form)
        return conflict(request, template, form, fresh, who, context=context)


def version_of(form: forms.BaseForm) -> int:
    """The version of the row that the page was filled with; 0, which no row has, where the page did not say."""
    version: int = form.cleaned_data["version"] or 0
    return version


def _about(row: object) -> Q:
    assert isinstance(row, Model)
    return conflicts.about(row)
