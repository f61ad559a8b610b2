"""What pages with a form have in common: run an action, and show the page again if it refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from django import forms
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict

from accounts.errors import ActionError, Refused
from smartplus import past_forms
from smartplus.access import PortalRequest
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.fields import refuse
from smartplus.statuses import CONFLICT, UNPROCESSABLE

Result = TypeVar("Result")
Form = TypeVar("Form", bound=forms.BaseForm)


def posted(request: PortalRequest) -> QueryDict | None:
    """What was sent, or None for a page that is only looked at."""
    return request.POST if request.method == "POST" else None


def submitted(
    form: forms.BaseForm, act: Callable[[], Result], *, also: tuple[type[ActionError], ...] = ()
) -> Result | None:
    """Run the action if the form is valid; None if it is not, or if the action refused (the form then has the
    error). The form shows errors of the kinds `also` too."""
    are_valid = [part.is_valid() for part in parts(form)]  # each of them says what is wrong in it
    if not form.is_bound or not all(are_valid):
        return None
    with refusals_into(form, also=also):
        return act()
    return None


def parts(form: forms.BaseForm) -> Sequence[forms.BaseForm]:
    """The forms that are sent together: the `parts` of a form, which include it; a form without `parts` is sent
    alone."""
    found: Sequence[forms.BaseForm] = getattr(form, "parts", (form,))
    return found


@contextmanager
def refusals_into(form: forms.BaseForm, *, also: tuple[type[ActionError], ...] = ()) -> Iterator[None]:
    """Turn a `Refused`, or an error of the kinds `also`, that is raised inside into an error of the form, by the form's own
    `refuse` if it has one. Other errors are not caught."""
    kinds: tuple[type[ActionError], ...] = (Refused, *also)
    try:
        yield
    except kinds as refusal:
        getattr(form, "refuse", partial(refuse, form))(refusal)


def checked(check: Callable[[], Result]) -> tuple[Result | None, Refused | None]:
    """What a check found, or why it refused, for a page whose purpose is to say so."""
    try:
        return check(), None
    except Refused as refusal:
        return None, refusal


def answer(
    request: PortalRequest,
    template: str,
    form: forms.BaseForm,
    context: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    *,
    action: str = "",
) -> HttpResponse:
    """The page with its form: 200 if it is only shown, 422 if a value was not accepted. `action` as for `refill`. If
    the context reads the form, pass a function: it is called after the form was filled again."""
    refill(request, *parts(form), action=action)
    context = context() if callable(context) else context
    status = UNPROCESSABLE if form.is_bound and any(part.errors for part in parts(form)) else 200
    return render(request, template, {**(context or {}), "form": form}, status=status)


def refill(request: PortalRequest, *shown: forms.BaseForm, action: str = "") -> None:
    """Fill forms that are only shown, and are sent together to `action` (default: this page), with what was typed in
    them before signing in: all of them or none. They stay unbound, so nothing is saved, and a conflict with what is
    saved now is still found."""
    if any(form.is_bound for form in shown):
        return
    names = [form.add_prefix(name) for form in shown for name in form.fields]
    data = past_forms.take(request, action or request.path, names)
    if data is None:
        return
    for form in shown:
        form.initial[conflicts.WAS] = conflicts.shown(form)
        for name in _open(form):
            widget = form.fields[name].widget
            form.initial[name] = widget.value_from_datadict(data, MultiValueDict(), form.add_prefix(name))


def _open(form: forms.BaseForm) -> list[str]:
    """The fields that a person fills in and that hold no secret. Hidden ones are left out: versions have to be those
    of the page as it is now."""
    return [
        name
        for name, field in form.fields.items()
        if not field.disabled
        and not field.widget.is_hidden
        and not field.widget.needs_multipart_form
        and not past_forms.is_secret(name)
    ]


def conflict(
    request: PortalRequest,
    template: str,
    sent: forms.BaseForm,
    fresh: Form,
    saved_by: Q,
    *,
    context: Callable[[Form], Mapping[str, Any]] = lambda _form: {},
    is_own: bool = False,
) -> HttpResponse:
    """409: somebody saved first. `fresh` is the form of what is saved now; both inputs are put into it, part by part.
    `saved_by` and `is_own` as for `conflicts.compare`. The context is asked for after that."""
    view = conflicts.compare(request, saved_by, *zip(parts(sent), parts(fresh), strict=True), is_own=is_own)
    return render(request, template, {**context(fresh), "form": fresh, "conflict": view}, status=CONFLICT)
