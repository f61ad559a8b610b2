"""Mail as it is sent: text and HTML with the same content, and headers for mail programs."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.mime.image import MIMEImage
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused, SMTPServerDisconnected
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from accounts import sellers
from accounts.models import Kind, Notice, Organization, Topic, User
from accounts.models.notices import UNMUTABLE
from accounts.typed.mail import in_ascii

MUTE_SALT = "mail.mute"
LINK, ROWS, TEXT = "link", "rows", "text"
URL = re.compile(r"https?://\S+")
ROW = re.compile(r"([^\s:][^:]{0,38}): (?!//)(\S.*)")
LOGO_ID = "logo"
GONE_AWAY = 421
# The server refused one mail; the next mail may be accepted
ONE_FAILED = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)


@dataclass(frozen=True, slots=True)
class House:
    """The sender of a mail: the seller in force, or else the operator's organization."""

    name: str
    line: str  # with the address, for the footer
    logo: bytes | None = None
    logo_type: str = ""

    @classmethod
    def of(cls, *, now: datetime) -> House:
        """The sender at an instant. At most three statements, for a whole batch."""
        if found := sellers.in_force(now=now):
            picture = sellers.logo(found.logo.digest) if found.logo else None
            content = bytes(picture.content) if picture else None
            return cls(found.name, found.line, content, picture.content_type if picture else "")
        firm = Organization.objects.filter(kind=Kind.OPERATOR).order_by("pk").first()
        name = firm.name if firm else "SmartPlus"
        return cls(name, name)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph: TEXT with its lines, ROWS of (name, value), or a LINK with its address."""

    kind: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    address: str = ""


class Batch:
    """Sends mails one after the other over one connection; it is opened with the first mail, and again after it broke."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now
        self._house: House | None = None
        self._connection: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, notice: Notice) -> None:
        """Hand one mail to the server. Raises OSError or SMTPException where that failed, ValueError where the notice can't be made
        into a mail."""
        self._house = self._house or House.of(now=self._now)
        mail = message(notice, self._house)
        is_used = self._connection is not None
        try:
            self._hand_over(mail)
        except (SMTPServerDisconnected, SMTPSenderRefused) as problem:
            # Servers close a connection after some mails or minutes (421), which says nothing about this mail.
            if not is_used or getattr(problem, "smtp_code", GONE_AWAY) != GONE_AWAY:
                raise
            self._hand_over(mail)

    def _hand_over(self, mail: EmailMultiAlternatives) -> None:
        try:
            if self._connection is None:
                connection = get_connection()
                connection.open()
                self._connection = connection
            mail.connection = self._connection
            mail.send()
        except OSError as problem:
            if not isinstance(problem, ONE_FAILED) or getattr(problem, "smtp_code", 0) == GONE_AWAY:
                self._close()
            raise

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):  # the connection broke already
                connection.close()


def message(notice: Notice, house: House) -> EmailMultiAlternatives:
    """The mail of a notice, in its recipient's language. Its Message-ID is the same at every try, so that a mail sent twice is
    recognized."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {
        "Message-ID": f"<{hashlib.sha256(notice.key.encode()).hexdigest()[:40]}@{host}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Notice": notice.key,
    }
    mute = mute_address(notice)
    if mute:
        headers |= {"List-Unsubscribe": f"<{mute}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    with translation.override(notice.user.language if notice.user else notice.language or settings.LANGUAGE_CODE):
        context = {
            "subject": notice.subject,
            "blocks": blocks(notice.body),
            "house": house,
            "logo_id": LOGO_ID,
            "language": translation.get_language(),
            "topic": Topic(notice.topic).label,
            "settings_address": settings.SITE_URL + reverse("settings-notifications") if notice.user else "",
            "mute_address": mute,
        }
        text = f"{notice.body.rstrip()}\n\n{render_to_string('mail/foot.txt', context).strip()}\n"
        html = render_to_string("mail/frame.html", context)
    mail = EmailMultiAlternatives(notice.subject, text, to=[in_ascii(notice.email)], headers=headers)
    mail.attach_alternative(html, "text/html")
    if house.logo:
        picture = MIMEImage(house.logo, house.logo_type.partition("/")[2])
        picture["Content-ID"] = f"<{LOGO_ID}>"
        picture.add_header("Content-Disposition", "inline")
        setattr(mail, "mixed_subtype", "related")  # noqa: B010  (the stubs do not know it)
        mail.attach(picture)
    return mail


def blocks(body: str) -> list[Block]:
    """The paragraphs of a text. Lines like "Order: SP-…" become rows, and a line that is an address of this portal becomes a link. All
    other text stays text, so that an address somebody wrote into a note does not become our button."""
    found: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        lines = [line.strip() for line in paragraph.splitlines() if line.strip()]
        while lines:
            block, used = _block(lines)
            found.append(block)
            lines = lines[used:]
    return found


def _block(lines: list[str]) -> tuple[Block, int]:
    """The first block of a paragraph, and the number of its lines."""
    if _is_ours(lines[0]):
        return Block(LINK, address=lines[0]), 1
    rows = []
    for line in lines:
        if not (row := ROW.fullmatch(line)):
            break
        rows.append((row[1], row[2]))
    if rows:
        return Block(ROWS, rows=tuple(rows)), len(rows)
    plain = [lines[0]]
    for line in lines[1:]:
        if _is_ours(line) or ROW.fullmatch(line):
            break
        plain.append(line)
    return Block(TEXT, lines=tuple(plain)), len(plain)


def _is_ours(line: str) -> bool:
    return bool(URL.fullmatch(line)) and f"{line}/".startswith(f"{settings.SITE_URL}/")


def mute_address(notice: Notice) -> str:
    """The address at which this topic can be muted without signing in; "" for mail that can't be muted (R8)."""
    if notice.topic in UNMUTABLE or notice.user_id is None:
        return ""
    token = signing.Signer(salt=MUTE_SALT).sign_object([notice.user_id, notice.topic])
    return f"{settings.SITE_URL}{reverse('mail-mute', args=[token])}"


def muted_by(token: str) -> tuple[User, Topic] | None:
    """The user and topic that a link of `mute_address` names; None for a link with another signature."""
    try:
        user_id, topic = signing.Signer(salt=MUTE_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if topic in UNMUTABLE or topic not in Topic.values:
        return None
    user = User.objects.filter(pk=user_id).first()
    return (user, Topic(topic)) if user else None
