"""Cleaning typed text: invisible characters, byte order marks, unusual spaces, control characters.

What a person means to write stays: accents, ’ and –, every script, the joiners inside an emoji or a word.
"""

from __future__ import annotations

import re
import unicodedata

import idna
from django.utils.translation import gettext as _

from accounts.errors import Refused

LONGEST_SEARCH = 120
LONGEST_LINE, LONGEST_BLOCK = 1000, 100_000  # characters of stored text
NEWLINES = re.compile(r"\r\n|[\r\u2028\u2029]")
PUNYCODE = re.compile(r"xn--[a-z0-9-]+", re.IGNORECASE)
RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"
ISOLATED = re.compile(f"{ISOLATE}([^{ISOLATE}{END_OF_ISOLATE}]*){END_OF_ISOLATE}")
BREAKS = "\n\t"
JOINERS = "\u200c\u200d"
VARIATIONS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
# Letters, marks and signs that are invisible, though Unicode does not call them format characters.
FILLERS = frozenset(map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, 0xFFA0)))
BRAILLE_BLANK = "\u2800"
# Inside the flags of England, Scotland and the like: invisible letters and digits, and their end.
TAGGED_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
VIRAMA = 9  # the combining class of signs that need a joiner
TYPOGRAPHIC = str.maketrans(
    dict.fromkeys("‘’‚‛′ʹʻʼʽˈ´＇", "'")
    | dict.fromkeys("“”„‟″«»＂〝〞〟", '"')
    | dict.fromkeys("‐‑‒–—―⁃−﹘﹣－", "-")
    | {"‹": "'", "›": "'"}
)
SIGNS = TYPOGRAPHIC | str.maketrans("`", "'")


def is_endless(typed: str, most: int) -> bool:
    """Whether it is longer than any text of `most` characters plus what may be pasted around it. Checked before folding: folding can
    turn one character into eighteen, and sorts accents in a time that grows with the square of their number."""
    return len(typed) > 4 * most + 1000


def line(text: str) -> str:
    """One line: line breaks, tabs and every kind of space become one space. Refuses control characters."""
    return " ".join(_cleaned(text, LONGEST_LINE).split())


def block(text: str) -> str:
    """Several lines, separated by line feeds; tabs and spaces stay. Refuses control characters."""
    return _cleaned(text, LONGEST_BLOCK)


def code(text: str) -> str:
    """One line of an identifier, such as a tax number: also with straight quotes, hyphens and the digits 0 to 9. Refuses as `line`
    does.

    Characters that differ in ASCII stay different: a backtick is no apostrophe.
    """
    plain = unicodedata.normalize("NFKC", line(text).translate(TYPOGRAPHIC))
    return "".join(_digit(sign) for sign in plain if not is_unseen(sign)).translate(TYPOGRAPHIC).strip()


def sought(text: str, *, most: int = LONGEST_SEARCH) -> str:
    """One line of search text: control characters become spaces, domains are in Unicode, and only the beginning of a long text is used."""
    seen = line("".join(" " if _is_control(sign) else sign for sign in text[: most * 4]))
    return PUNYCODE.sub(_in_unicode, seen)[:most].rstrip()


def isolated(text: str) -> str:
    """For a name inside a sentence: a name of a right-to-left script is isolated, so that the text around it keeps its order."""
    return f"{ISOLATE}{text}{END_OF_ISOLATE}" if RTL.search(text) and ISOLATE not in text else text


def straight(text: str) -> str:
    """The text with ' and " for every quote, and - for every dash."""
    return text.translate(SIGNS)


def _in_unicode(found: re.Match[str]) -> str:
    try:
        return idna.decode(found[0])
    except idna.IDNAError:  # characters that are a part of a longer sign
        return found[0]


def _cleaned(text: str, most: int) -> str:
    if is_endless(text, most):
        raise Refused(_("This text is too long."))
    text = NEWLINES.sub("\n", text)
    for place, sign in enumerate(text):
        if _is_control(sign):
            before = line("".join(kept for kept in text[max(0, place - 100) : place] if not _is_control(kept)))[-20:]
            words = {"code": f"U+{ord(sign):04X}", "before": before}
            if before:
                raise Refused(
                    _("After “%(before)s” stands a character that can't be shown (%(code)s). Delete it.") % words
                )
            raise Refused(_("The text begins with a character that can't be shown (%(code)s). Delete it.") % words)
    text = "".join(_blank(sign) for sign in text)
    of_flags = {place for flag in TAGGED_FLAG.finditer(text) for place in range(*flag.span())}
    kept = [
        sign
        for place, sign in enumerate(text)
        if place in of_flags or not is_unseen(sign) or _holds_together(text, place)
    ]
    return unicodedata.normalize("NFC", "".join(map(_narrow, kept)))


def _is_control(sign: str) -> bool:
    """Control characters, halves of surrogate pairs, and code points that are not characters."""
    number = ord(sign)
    is_none = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
    return is_none or (sign not in BREAKS and unicodedata.category(sign) in {"Cc", "Cs"} and sign != "\r")


def is_unseen(sign: str) -> bool:
    """Format characters, fillers and variation selectors."""
    return sign in FILLERS or sign in VARIATIONS or unicodedata.category(sign) == "Cf"


def _holds_together(text: str, place: int) -> bool:
    """Whether an invisible character changes how its neighbours look: inside an emoji, between joining letters, after a sign with
    variants."""
    sign, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if not before or (is_unseen(before) and before not in VARIATIONS):
        return False
    if sign in VARIATIONS:
        return not before.isspace() and before not in VARIATIONS
    if sign not in JOINERS or not after or is_unseen(after):
        return False
    if unicodedata.combining(before) == VIRAMA:
        return True
    if sign == JOINERS[0]:
        return unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
    return (unicodedata.category(before) in {"So", "Sk"} or before in VARIATIONS) and unicodedata.category(
        after
    ) == "So"


def _blank(sign: str) -> str:
    return " " if sign == BRAILLE_BLANK or unicodedata.category(sign) == "Zs" else sign


def _narrow(sign: str) -> str:
    """Full-width letters and digits as ASCII; full-width brackets and stops stay, which are correct Chinese."""
    is_wide = unicodedata.decomposition(sign).startswith("<wide>") and sign.isalnum()
    return unicodedata.normalize("NFKC", sign) if is_wide else sign


def _digit(sign: str) -> str:
    return str(unicodedata.digit(sign)) if unicodedata.category(sign) == "Nd" else sign
