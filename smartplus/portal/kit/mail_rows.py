"""Mails as steps: to whom, when, how far each got."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import notices
from accounts.models import Notice
from accounts.scope import Actor
from accounts.typed.text import isolated
from smartplus.portal.kit.day_tags import moment
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import icon

State = Notice.State
TONES = {State.SENT: "active", State.FAILED: "lapsed"}
LONGEST = 80  # signs of what a mail server said


class MailCells(NamedTuple):
    """One mail; `again` is the button that sends it again, where one may."""

    tone: str
    mark: SafeString
    time: str
    moment: str
    first: str
    second: str
    tries: str
    how: str
    again: str


def cells(found: Iterable[Notice], actor: Actor, *, form: str, is_own: bool) -> list[MailCells]:
    """The cells of mails. What a mail says comes first where the reader `is_own`: always the same. `form` is the id of
    the form that all buttons send."""
    mail, cross, again = icon("mail"), icon("x"), _("Send again")
    rows = []
    for notice in found:
        state, email = State(notice.state), isolated(notice.email)
        to = (_("Mail sent to %(email)s") if state == State.SENT else _("Mail to %(email)s")) % {"email": email}
        rows.append(
            MailCells(
                tone=TONES.get(state, "inactive"),
                mark=cross if state == State.FAILED else mail,
                time=timezone.localtime(notice.happened_at).isoformat(),
                moment=moment(notice.happened_at),
                first=notice.subject if is_own else to,
                second=to if is_own else notice.subject,
                tries=f", {_('try %(n)s') % {'n': notice.tries}}" if state == State.SENT and notice.tries > 1 else "",
                how=_how(notice, state),
                again=_button(notice, form, again) if notices.may_send_again(actor, notice) else "",
            )
        )
    return rows


def _how(notice: Notice, state: Notice.State) -> str:
    """How far it got, where it did not arrive."""
    n = {"n": notice.tries}
    if state == State.FAILED:
        if notice.next_try_at:
            tried = _("%(n)s tried, next %(time)s") % {**n, "time": moment(notice.next_try_at)}
        else:
            tried = ngettext("given up after %(n)s try", "given up after %(n)s tries", notice.tries) % n
        said = as_html("<br>{}", Truncator(notice.last_error).chars(LONGEST)) if notice.last_error else ""
        return as_html('<p class="how">{}: {}{}</p>', state.label, tried, said)
    if state == State.QUEUED:
        return as_html("<p>{}{}</p>", state.label, f", {_('%(n)s tried') % n}" if notice.tries else "")
    return as_html("<p>{}</p>", state.label) if state == State.MUTED else ""


def _button(notice: Notice, form: str, words: str) -> SafeString:
    return as_html(
        '<button class="b s" form="{}" formaction="{}">{}<span class="vh"> {}</span></button>',
        form, address("notice-again", notice.pk), words, notice.email,
    )  # fmt: skip
