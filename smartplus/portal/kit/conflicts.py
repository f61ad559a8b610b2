"""Two people edit the same row at the same time: compare both inputs, and put them into one form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q
from django.utils.translation import gettext as _

from accounts.models import AuditEvent
from smartplus import vocabulary
from smartplus.access import PortalRequest

WAS = "was"  # the hidden field that holds what the form was filled with
QUESTIONS = frozenset(
    {"ceiling_confirmed", "find_manager", "find_technician", "find_site"}
)  # what is asked, not stored
DASH = "–"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose saved value differs from the sent one. `before` is the value that both people started with, None
    if the page did not send it."""

    label: str
    before: str | None
    theirs: str
    yours: str
    keeps_yours: bool


@dataclass(frozen=True, slots=True)
class ConflictView:
    """Who saved first, what and when ("" and None if the reader may not know it), the differences, and the address at
    which to start over."""

    who: str
    what: str
    is_self: bool
    when: datetime | None
    differences: tuple[Difference, ...]
    again: str

    @property
    def knows_before(self) -> bool:
        """Whether the table has a column for what both began with."""
        return any(line.before is not None for line in self.differences)

    @property
    def has_untouched(self) -> bool:
        """Whether a field gets the other person's value, because this person did not change it."""
        return any(not line.keeps_yours for line in self.differences)


def about(subject: Model) -> Q:
    """The audit rows that tell who saved one row. Looking at it, sending an invitation again and resetting a second
    factor save nothing that a form shows, so these rows are left out."""
    return Q(subject_type=subject._meta.model_name or "", subject_id=subject.pk) & vocabulary.SAVES


def compare(
    request: PortalRequest, of: Q, *pairs: tuple[forms.BaseForm, forms.BaseForm], is_own: bool = False
) -> ConflictView:
    """Put the sent values into fresh forms of the same row, and list the differences. Pairs are (sent, fresh); a
    fresh form that is bound is left alone. To start over, the link leads to the page's address, or to the `home` of a
    form that belongs to another page.

    A field that the person changed keeps the sent value; a field that was not changed gets the saved value; in a list
    of boxes this is decided for each box. If the page did not send what it started with, all sent values are kept.
    Saving the fresh forms then stores what they show. `of` finds the audit rows that tell who saved; `is_own` says
    that nobody but this person can have saved.
    """
    differences: list[Difference] = []
    for sent, fresh in pairs:
        if not fresh.is_bound:
            differences += _merged(sent, fresh)
    again: str = getattr(pairs[0][1], "home", request.get_full_path())
    return view_of(request, of, differences, again=again, is_own=is_own)


def view_of(
    request: PortalRequest, of: Q, differences: Iterable[Difference], *, again: str, is_own: bool = False
) -> ConflictView:
    """Differences that a page found itself, with who saved first."""
    event = AuditEvent.objects.visible_to(request.actor).filter(of).first()
    is_self = is_own or (event is not None and event.user_id == request.actor.user_id)
    who, what = (event.who, vocabulary.label(event.action)) if event is not None else ("", "")
    return ConflictView(who, what, is_self, event.at if event else None, tuple(differences), again)


def began_with(sent: forms.BaseForm) -> dict[str, Any] | None:
    """The values that the sent form was filled with when it was shown, as the page sent them; None if it sent nothing
    usable."""
    try:
        was = json.loads(sent.data.get(sent.add_prefix(WAS), ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(was, dict):
        return None
    return {name: _writable(value) for name, value in was.items() if _fits(sent.fields.get(name), value)}


def is_stale(sent: forms.BaseForm, fresh: forms.BaseForm) -> bool:
    """Whether the row has changed since the form was shown; for rows without a version. A form that does not send its
    first values is not stale."""
    was, now = began_with(sent) or {}, shown(fresh)
    return any(_differs(fresh.fields[name], value, now[name]) for name, value in was.items() if name in now)


def shown(form: forms.BaseForm) -> dict[str, Any]:
    """What an unsent form is filled with, field by field, as plain values; without files, and without what the form's page compares itself
    (`compared_by_page`)."""
    others = QUESTIONS | getattr(form, "compared_by_page", frozenset())
    return {
        name: _plain(form.get_initial_for_field(field, name))
        for name, field in form.fields.items()
        if not field.widget.is_hidden and not field.widget.needs_multipart_form and name not in others
    }


def remembered(form: forms.BaseForm) -> str:
    """The value of the hidden field: what the form was filled with; "" for a form of something new."""
    if form.is_bound:
        return str(form.data.get(form.add_prefix(WAS), ""))
    if "version" in form.fields and form.get_initial_for_field(form.fields["version"], "version") is None:
        return ""
    began = form.initial.get(WAS)  # a form with both inputs in it began with what is saved
    return json.dumps(shown(form) if began is None else began, separators=(",", ":"))


def _merged(sent: forms.BaseForm, fresh: forms.BaseForm) -> list[Difference]:
    was, theirs = began_with(sent) or {}, shown(fresh)
    kept: dict[str, Any] = {}
    found: list[Difference] = []
    for name, saved in theirs.items():
        if name not in sent.fields:
            continue
        field, yours = fresh.fields[name], sent[name].data
        if isinstance(field, forms.MultipleChoiceField):
            kept[name], lines = _boxes(field, was.get(name), saved, yours)
            found += lines
            continue
        is_touched = name not in was or _differs(field, was[name], yours)
        kept[name] = yours if is_touched else saved
        if _differs(field, saved, yours):
            before = _word(field, was[name]) if name in was else None
            found.append(
                Difference(str(field.label or name), before, _word(field, saved), _word(field, yours), is_touched)
            )
    fresh.initial = {**fresh.initial, **kept, WAS: theirs}
    return found


def _boxes(field: forms.MultipleChoiceField, was: Any, saved: Any, yours: Any) -> tuple[list[str], list[Difference]]:
    """Compare each box separately: the boxes that are ticked now, and those in which the two inputs differ."""
    began = None if was is None else {str(value) for value in was}
    theirs, mine = {str(value) for value in saved or ()}, {str(value) for value in yours or ()}
    kept = mine if began is None else (theirs | (mine - began)) - (began - mine)
    words = _words(field)
    lines = [
        Difference(
            f"{field.label}: {words[key]}",
            None if began is None else _on(key in began),
            _on(key in theirs),
            _on(key in mine),
            (key in kept) == (key in mine),
        )
        for key in words
        if (key in theirs) != (key in mine)
    ]
    return sorted(kept), lines


def _differs(field: forms.Field, first: Any, second: Any) -> bool:
    if field.disabled:
        return False
    try:  # what went through the page is text: "1.50" is the amount 1.5
        return field.has_changed(field.to_python(first) if isinstance(first, str) else first, second)
    except (TypeError, ValueError, ValidationError):
        return True


def _fits(field: forms.Field | None, value: Any) -> bool:
    """Whether a value from the page is of a kind that the field can have."""
    if isinstance(field, forms.MultipleChoiceField):
        return isinstance(value, list) and all(isinstance(entry, str | int) for entry in value)
    return field is not None and (value is None or isinstance(value, str | int | float | bool)) and _is_writable(value)


def _writable(value: Any) -> Any:
    return [entry for entry in value if _is_writable(entry)] if isinstance(value, list) else value


def _is_writable(value: Any) -> bool:
    """Whether a page can show it: JSON can hold half of a surrogate pair, which can't be encoded for a page."""
    try:
        str(value).encode()
    except ValueError:  # UnicodeEncodeError
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | set):
        return [entry if isinstance(entry, int) else str(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _word(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.BooleanField):
        return _on(bool(field.to_python(value)))
    if isinstance(field, forms.ChoiceField) and (word := _words(field).get("" if value is None else str(value))):
        return word
    value = field.prepare_value(value)  # a country by its name
    return DASH if value is None or not str(value).strip() else str(value)


def _words(field: forms.ChoiceField) -> Mapping[str, str]:
    """The choices of a field in words, those within groups too."""
    found: dict[str, str] = {}
    choices: Any = field.choices
    for value, label in choices:
        inner = label if isinstance(label, list | tuple) else [(value, label)]
        found |= {str(key): str(word) for key, word in inner}
    return found


def _on(value: bool) -> str:
    return _("On") if value else _("Off")
