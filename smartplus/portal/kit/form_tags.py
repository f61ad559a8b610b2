"""What forms are made of: the token, fields, switches, errors, and what the form was shown with."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.middleware.csrf import get_token
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from smartplus import form_tokens
from smartplus.portal.kit import conflicts

register = template.Library()


class FormTokenNode(CsrfTokenNode):
    """Django's hidden field, and the token by which the form is known again."""

    def render(self, context: template.Context) -> SafeString:
        """Both, for somebody who is signed in; on other pages Django's alone."""
        request = getattr(context, "request", None)  # also in an include that sees nothing of the page (`only`)
        with context.push(csrf_token=get_token(request)) if request else nullcontext():
            protection = format_html("{}", super().render(context))
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
    """The hidden field with the values that the form was shown with, so that a conflict can be described field by
    field."""
    value = conflicts.remembered(form)
    return (
        format_html('<input type="hidden" name="{}" value="{}">', form.add_prefix(conflicts.WAS), value)
        if value
        else ""
    )
