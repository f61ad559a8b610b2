"""Template tags and filters of the portal: marks, status words, form fields, money, dates, MAC addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import chain, zip_longest
from typing import Any

from babel.dates import format_datetime, format_time, format_timedelta
from django import forms, template
from django.db.models import Model
from django.forms import BoundField
from django.http import QueryDict
from django.template import Context
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.defaulttags import CsrfTokenNode, URLNode
from django.template.defaulttags import url as django_url
from django.templatetags.i18n import TranslateNode, do_block_translate, do_translate
from django.templatetags.static import static
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeData, SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.typed import days as of_site
from accounts.typed import phones, postal
from accounts.typed.days import language as _language
from accounts.typed.text import isolated
from payments import actions as payment_actions
from payments import money as amounts
from smartplus import form_tokens
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.keyset import COUNTED, Sorting
from smartplus.portal.kit.markup import as_html

register = template.Library()

# The trade's names of marks, and the drawing each has in the sprite.
MARKS = {
    "sites": "building-community",
    "library": "line-scan",
    "subscription": "credit-card",
    "orders": "receipt",
    "prices": "tag",
    "auto": "refresh",
    "menu": "menu-2",
    "intercom": "phone-call",
}
NOTE_TONES = {
    "success": ("active", "circle-check"),
    "warning": ("expiring", "alert-triangle"),
    "error": ("lapsed", "x"),
    "active": ("active", "circle-check"),
    "expiring": ("expiring", "alert-triangle"),
    "lapsed": ("lapsed", "x"),
}
DAYS_OF_A_WEEK = 7
PLAIN = re.compile(r"[A-Za-z0-9-]+")  # stands in an address as it is


class _Name:
    """A value of a sentence: where it is text of a right-to-left script, it is isolated."""

    def __init__(self, expression: FilterExpression) -> None:
        self.expression = expression

    def resolve(self, context: Context, ignore_failures: bool = False) -> Any:
        """The value, isolated."""
        value = self.expression.resolve(context, ignore_failures)
        return isolated(str(value)) if isinstance(value, (str, Model)) and not isinstance(value, SafeData) else value


@register.tag
def blocktranslate(parser: Parser, token: Token) -> Any:
    """Django's, with names of right-to-left scripts isolated from the sentence around them."""
    node: Any = do_block_translate(parser, token)
    node.extra_context = {name: _Name(expression) for name, expression in node.extra_context.items()}
    return node


class _Word(TranslateNode):
    """Django's for a word that stands in the template: looked up once in each language."""

    words: dict[tuple[str | None, bool], str]

    def render(self, context: Context) -> str:
        """The word, escaped where the rest is."""
        key = get_language(), context.autoescape
        if (word := self.words.get(key)) is None:
            word = self.words[key] = super().render(context)
        return word


@register.tag
def translate(parser: Parser, token: Token) -> Any:
    """Django's tag."""
    node: Any = do_translate(parser, token)
    word = node.filter_expression
    if node.message_context or word.filters or node.noop or word.var.lookups is not None:
        return node
    plain = _Word(word, noop=False)
    plain.words = {}
    return _Kept(plain, node.asvar) if node.asvar else plain


class _Kept(Node):
    """`{% translate "…" as name %}`."""

    def __init__(self, word: _Word, name: str) -> None:
        self.word, self.name = word, name

    def render(self, context: Context) -> str:
        """Nothing; the word is in the context."""
        context[self.name] = self.word.render(context)
        return ""


@register.filter
def one_line(text: str) -> str:
    """What somebody typed as one line, so that in a mail it can't pass for a paragraph of ours."""
    return " ".join(text.split())


# --- marks and words ----------------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A mark of the sprite, for the eye only; `size` is "s" (14 px), "l" (20 px) or nothing (16 px)."""
    return _drawn(MARKS.get(name, name), size, _sprite())


@cache  # a list has four marks a row
def _drawn(drawing: str, size: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="i{}" aria-hidden="true"><use href="{}#{}"/></svg>', f" {size}" if size else "", sprite, drawing
    )


@cache  # the file does not change while a process runs
def _sprite() -> str:
    return static("sp/icons.svg")


@register.filter
def counted(number: int, most: int | None = None) -> str:
    """A number of rows from `keyset.count`: "1,000+" where counting stopped."""
    most = COUNTED if most is None else most
    return f"{most:,}+" if number > most else str(number)


@register.simple_tag
def gateways() -> str:
    """Where people can pay here, by the names people know, in one text."""
    return ", ".join(offer.label for offer in payment_actions.offered())


@register.simple_tag
def status(tone: str, word: str) -> SafeString:
    """A dot and a word, as in rows. `tone`: active, expiring, lapsed, inactive, "inactive hollow", pending or auto."""
    return _marked("st", tone, word)


@register.simple_tag
def pill(tone: str, word: str) -> SafeString:
    """A dot and a word on a soft ground, beside a title."""
    return _marked("pill", tone, word)


def _marked(kind: str, tone: str, word: str) -> SafeString:
    return as_html('<span class="{} {}">{}</span>', kind, tone, word)


class _UrlNode(URLNode):
    """Django's, which knows by heart what stands around the numbers of an address: lists have several in each row."""

    def render(self, context: Context) -> str:
        """The address; as Django finds it where it is more than a route and numbers."""
        if not self.kwargs and self.asvar is None and context.autoescape:
            route, values = self.view_name.resolve(context), [value.resolve(context) for value in self.args]
            if (
                isinstance(route, str)
                and ":" not in route
                and all(type(value) is int and value >= 0 for value in values)
                and (known := _between(route, values))
            ):
                return known
        return super().render(context)


def address(route: str, *values: int | str) -> str:
    """The address of a route with numbers or plain names in it, as the tag writes it: for rows made in Python."""
    plain = all(type(value) is int or PLAIN.fullmatch(str(value)) for value in values)
    return (plain and _between(route, values)) or reverse(route, args=values)


def _between(route: str, values: Sequence[int | str]) -> str:
    parts = _pieces(route, len(values), get_urlconf(), get_script_prefix())
    return "".join(chain.from_iterable(zip_longest(parts, map(str, values), fillvalue=""))) if parts else ""


@cache
def _pieces(route: str, count: int, urlconf: str | None, prefix: str) -> tuple[str, ...]:
    """The pieces of a route's address between its numbers; nothing where it takes other arguments."""
    marks = [918_273_000 + n for n in range(count)]
    try:
        rest = reverse(route, urlconf, marks)
    except NoReverseMatch:
        return ()
    parts = []
    for mark in marks:
        part, found, rest = rest.partition(str(mark))
        if not found:
            return ()
        parts.append(part)
    return tuple(str(escape(part)) for part in (*parts, rest))


@register.tag
def url(parser: Parser, token: Token) -> _UrlNode:
    """Django's tag."""
    node = django_url(parser, token)
    return _UrlNode(node.view_name, node.args, node.kwargs, node.asvar)


@register.inclusion_tag("components/note.html")
def note(tone: str, text: str) -> dict[str, Any]:
    """A sentence set apart; `tone` is a level of Django's messages or a status."""
    name, sign = NOTE_TONES.get(tone, ("auto", "info-circle"))
    return {"tone": name, "sign": sign, "text": text}


# --- forms --------------------------------------------------------------------------------------------------------------


class FormTokenNode(CsrfTokenNode):
    """Django's hidden field, and the token by which the form is known again."""

    def render(self, context: template.Context) -> SafeString:
        """Both, for somebody who is signed in; on other pages Django's alone."""
        protection = format_html("{}", super().render(context))
        request = context.get("request")
        user = getattr(request, "user", None)
        if not protection or not isinstance(user, User):
            return protection
        token = form_tokens.new(user.pk, getattr(getattr(request, "actor", None), "membership_id", None) or 0)
        return protection + format_html('<input type="hidden" name="{}" value="{}">', form_tokens.FIELD, token)


@register.tag("csrf_token")
def csrf_token(parser: template.base.Parser, token: template.base.Token) -> FormTokenNode:
    """What every form that posts begins with."""
    return FormTokenNode()


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, width: str = "", optional: bool | None = None, **attributes: Any) -> dict[str, Any]:
    """A field with label, hint and error; `width` is w2…w9 of the twelve columns, further arguments become attributes.

    Underscores in argument names turn to hyphens: `hx_get=…` is `hx-get`.
    """
    widget = bound.field.widget
    if isinstance(widget, forms.HiddenInput | forms.MultipleHiddenInput):
        kind, css = "hidden", ""
    elif isinstance(widget, forms.CheckboxInput):
        kind, css = "box", "ck"
    elif isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        kind, css = "group", "ck"
    else:
        kind, css = "text", "in"
    is_needed = bound.field.required
    parts = _parts(bound, css, attributes)
    if kind == "group":
        parts["options"] = [(option.choice_label, _option(option)) for option in bound.subwidgets]
    return {
        **parts,
        "width": width,
        "kind": kind,
        "optional": not is_needed and kind != "box" if optional is None else optional,
        "secret": isinstance(widget, forms.PasswordInput),
        "unit": getattr(bound.field, "unit", ""),
    }


@register.filter
def phone(kept: str) -> str:
    """A telephone number with gaps, to be dialled by a click."""
    link = phones.link(kept)
    return format_html('<a href="{}"><bdi>{}</bdi></a>', link, phones.shown(kept)) if link else phones.shown(kept)


@register.filter
def address_lines(address: Any, country: str = "") -> list[str]:
    """The lines of an address as its country writes them, with the country on demand."""
    return postal.lines(address, with_country=bool(country))


@register.filter
def short_address(address: Any) -> str:
    """Street and place."""
    return postal.short(address)


@register.filter
def town(address: Any) -> str:
    """The city, or what stands for it."""
    return postal.place(address)


@register.inclusion_tag("components/switch.html")
def switch(bound: BoundField, reason: str = "", mark: str = "", label: str = "", hint: str = "") -> dict[str, Any]:
    """A yes-or-no field as a switch; with a `reason` it is locked and says why."""
    attributes: dict[str, Any] = {"role": "switch"}
    if reason:
        attributes |= {"disabled": True, "aria-describedby": f"{bound.auto_id}_reason"}
    parts = _parts(bound, "sw", attributes)
    return {**parts, "reason": reason, "mark": mark, "label": label or bound.label, "hint": hint or parts["hint"]}


def _option(option: Any) -> str:
    """One box of a group; given to the widget as a whole, the class would land on the element around them too."""
    option.data["attrs"] |= {"class": "ck"}
    return str(option.tag())


def _parts(bound: BoundField, css: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """The control of a field with its classes and the ids of what describes it."""
    hint_id, error_id = f"{bound.auto_id}_hint", f"{bound.auto_id}_error"
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    own = bound.field.widget.attrs.get("class", "")
    if css:
        attrs["class"] = " ".join(part for part in (css, own, attrs.get("class", "")) if part)
    described = " ".join(
        part
        for part in (
            str(attrs.get("aria-describedby", "")),
            error_id if bound.errors else "",
            hint_id if bound.help_text else "",
        )
        if part
    )
    if described:
        attrs["aria-describedby"] = described
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attrs),
        "hint": bound.help_text,
        "hint_id": hint_id,
        "error_id": error_id,
        "described": described,
    }


@register.inclusion_tag("components/errors.html")
def errors(*given: forms.BaseForm | None) -> dict[str, Any]:
    """The error summary of one or several forms: each error a link to its field."""
    general: list[str] = []
    items: list[dict[str, str]] = []
    for form in given:
        if form is None or not form.is_bound:
            continue
        general += [str(text) for text in form.non_field_errors()]
        for bound in form:
            if bound.is_hidden:
                general += [str(text) for text in bound.errors]
            else:
                target = bound.id_for_label or bound.auto_id  # a group of boxes has the id on its fieldset
                items += [{"id": target, "label": str(bound.label), "text": str(text)} for text in bound.errors]
    return {"general": general, "items": items, "count": len(general) + len(items)}


@register.simple_tag
def remembered(form: forms.BaseForm) -> SafeString | str:
    """The hidden field that says what the form was as_html with, so that a lost race can be told field by field."""
    value = conflicts.remembered(form)
    return (
        format_html('<input type="hidden" name="{}" value="{}">', form.add_prefix(conflicts.WAS), value)
        if value
        else ""
    )


# --- lists --------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: dict[str, Any], previous: object = None, next: object = None, text: str = "") -> dict[str, Any]:
    """Links to the neighbouring pages of a list: `?before=<previous>` and `?after=<next>`, all else of the address kept."""

    def address(name: str, key: object) -> str:
        if key in (None, ""):
            return ""
        query: QueryDict = context["request"].GET.copy()
        for gone in ("before", "after"):
            query.pop(gone, None)
        query[name] = str(key)
        return f"?{query.urlencode()}"

    return {"previous": address("before", previous), "next": address("after", next), "text": text}


@register.inclusion_tag("components/head.html", takes_context=True)
def head(context: dict[str, Any], column: str, label: str, css: str = "") -> dict[str, Any]:
    """The head of a column: a link that sorts by it, again the other way round, where the list's `sorting` knows it."""
    sorting: Sorting | None = context.get("sorting")
    parts: dict[str, Any] = {"label": label, "css": css}
    if sorting is None or column not in sorting.columns:
        return parts
    is_here = column == sorting.column
    query: QueryDict = context["request"].GET.copy()
    for gone in ("before", "after"):
        query.pop(gone, None)
    query["sort"] = f"-{column}" if is_here and not sorting.is_down else column
    way = ("descending" if sorting.is_down else "ascending") if is_here else ""
    return {**parts, "url": f"?{query.urlencode()}", "way": way}


# --- money, time, MAC ---------------------------------------------------------------------------------------------------


@register.filter
def money(minor: int | str | None, currency: str) -> str:
    """Minor units in the reader's language: 28480 and "USD" → "US$284.80". Nothing for None."""
    return "" if minor is None or isinstance(minor, str) else amounts.show(minor, currency, language=_language())


@register.filter
def day(value: date | datetime | str | None) -> str:
    """A day in the person's time zone: "12 Jan 2027". A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    local = _local(value)
    return of_site.day_words(local.date() if isinstance(local, datetime) else local, _language())


@register.filter
def moment(value: datetime | str | None) -> str:
    """A day and time in the person's time zone: "12 Jan 2027, 08:30". A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    return of_site.moment_words(_local(value), _language())


@register.filter
def ago(value: datetime | str | None, now: datetime | None = None) -> SafeString | str:
    """How far away an instant is: "in 2 days", "3 days ago", with the exact moment on hover. A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    return _timed(value, _distance(value, now or timezone.now()))


@register.filter
def when(value: datetime | str | None, now: datetime | None = None) -> SafeString | str:
    """When something is, as one says it: "Today 09:12", "Sat 16:05", "in 27 days", a week ago and before the day; the exact
    moment on hover. A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    now = now or timezone.now()
    days = (_local(value).date() - _local(now).date()).days
    words = {-1: _("Yesterday %(time)s"), 0: _("Today %(time)s"), 1: _("Tomorrow %(time)s")}
    if days in words:
        return _timed(value, words[days] % {"time": format_time(_local(value).time(), "HH:mm", locale=_language())})
    if days > 0:
        return _timed(value, _distance(value, now))
    if days > -DAYS_OF_A_WEEK:
        return _timed(value, str(format_datetime(_local(value), "EEE HH:mm", locale=_language())))
    return _timed(value, day(value))


@register.filter
def end_day(value: datetime | str | None, zone: str) -> SafeString | str:
    """The day on which paid time ends: the day at the site, with the minute and the zone on hover. A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    return _timed(value, of_site.end_date(value, zone), of_site.end_moment(value, zone))


@register.filter
def end_date(value: datetime | str | None, zone: str) -> str:
    """The same as plain text, for mail. A dash for None."""
    return "–" if value is None or isinstance(value, str) else of_site.end_date(value, zone)


@register.simple_tag
def how_far_to_end(value: datetime, zone: str, now: datetime | None = None) -> SafeString:
    """How far away the end of paid time is, in days at the site: "in 2 days", with the minute and the zone on hover."""
    return timed_end(value, distance_to_end(value, zone, now or timezone.now()), zone)


def distance_to_end(value: datetime, zone: str, now: datetime) -> str:
    """The same as plain text."""
    return _distance(value, now, zone)


def timed_end(value: datetime, text: str, zone: str) -> SafeString:
    """What is said of the end of paid time, with the minute and the zone on hover."""
    return _timed(value, text, of_site.end_moment(value, zone))


def _timed(value: datetime, text: str, title: str = "") -> SafeString:
    exact = value.astimezone(UTC).isoformat(timespec="seconds")
    return as_html('<time datetime="{}" title="{}">{}</time>', exact, title or moment(value), text)


def _distance(value: datetime, now: datetime, zone: str = "") -> str:
    delta = value - now
    if abs(delta) >= timedelta(days=1):
        # People count nights, not multiples of 24 hours; and "in 38 days" says more than "in 1 month".
        here = [of_site.site_day(at, zone) if zone else _local(at).date() for at in (value, now)]
        return _nights((here[0] - here[1]).days, _language())
    return _minutes(round(delta.total_seconds()), _language())


@lru_cache(maxsize=4096)  # rows of a list have the same few
def _nights(days: int, language: str) -> str:
    delta = timedelta(days=days)
    return str(format_timedelta(delta, granularity="day", threshold=1e9, add_direction=True, locale=language))


@lru_cache(maxsize=4096)
def _minutes(seconds: int, language: str) -> str:
    delta = timedelta(seconds=seconds)
    return str(format_timedelta(delta, granularity="minute", threshold=1, add_direction=True, locale=language))


def _local(value: Any) -> Any:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


@register.filter
def mac(value: int | str | None) -> str:
    """A MAC address as printed on the box: 0x0C11052A104E → "0C:11:05:2A:10:4E". Nothing for None."""
    if value is None:
        return ""
    digits = f"{value:012X}" if isinstance(value, int) else value.upper()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
