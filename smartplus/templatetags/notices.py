"""Template tags of mail: the proof, on whatever page it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.db import models

from accounts.actions import notices
from accounts.models import Notice
from accounts.scope import Actor
from smartplus.portal import told

register = template.Library()


@register.inclusion_tag("components/notices.html", takes_context=True)
def notices_about(context: dict[str, Any], *subjects: models.Model | Iterable[models.Model] | None) -> dict[str, Any]:
    """Who was told about a row, or about any of several, by mail: a panel, where there is something to show."""
    request = context["request"]
    found = told.about(context["actor"], request.GET, *subjects)
    return {"told": found, "actor": context["actor"], "request": request, "is_panel": True}


@register.filter
def may_send_again(notice: Notice, actor: Actor) -> bool:
    """Whether a button for it is offered."""
    return notices.may_send_again(actor, notice)
