"""Template tags for sent mail, on the page of its subject."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.db import models

from accounts.actions import notices
from accounts.models import Notice
from accounts.scope import Actor
from smartplus.portal.kit import mail_history
from smartplus.portal.kit import mail_rows as mails

register = template.Library()


@register.inclusion_tag("components/notices.html", takes_context=True)
def notices_about(
    context: dict[str, Any], *subjects: models.Model | Iterable[mail_history.Subject] | None
) -> dict[str, Any]:
    """A panel with the mails about one or several rows; nothing if there are none."""
    request = context["request"]
    found = mail_history.about(context["actor"], request.GET, *subjects)
    return {"mail_history": found, "actor": context["actor"], "request": request, "is_panel": True}


@register.simple_tag(takes_context=True)
def mail_cells(context: dict[str, Any], found: Notice | list[Notice]) -> list[mails.MailCells]:
    """A mail, or several, as rows of components/notice.html."""
    is_own = bool(context.get("is_own"))
    shown = [found] if isinstance(found, Notice) else found
    return mails.cells(shown, context["actor"], form="again-own" if is_own else "again", is_own=is_own)


@register.filter
def offers_again(found: mail_history.MailHistory, actor: Actor) -> bool:
    """Whether any of them may be sent again."""
    return any(notices.may_send_again(actor, notice) for notice in found.notices)
