"""Template tags of mail: the proof, on whatever page it is about."""

from __future__ import annotations

from typing import Any

from django import template
from django.db import models

from accounts.actions import notices
from accounts.models import Notice
from accounts.scope import Actor

register = template.Library()
SHOWN = 20


@register.inclusion_tag("components/notices.html", takes_context=True)
def notices_about(context: dict[str, Any], subject: models.Model) -> dict[str, Any]:
    """Who was told about a row by mail, when, and how far it got; as far as the signed-in person may see it."""
    actor: Actor = context["actor"]
    found = Notice.objects.visible_to(actor).about(subject).defer("body")[:SHOWN]
    return {"notices": found, "actor": actor, "now": context.get("now"), "request": context["request"], "heading": True}


@register.filter
def may_send_again(notice: Notice, actor: Actor) -> bool:
    """Whether a button for it is offered."""
    return notices.may_send_again(actor, notice)
