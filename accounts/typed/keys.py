"""Keys of typed text: `identity_key` for equality, `natural_key` and `floor_key` for order, `search_key` for search.

Pure functions. Columns store the keys (`accounts.typed.columns`), so SQLite and PostgreSQL compare the same text by code point.
"""

from __future__ import annotations

import re
import unicodedata

from accounts.typed.text import is_unseen, straight

# Removed, so that O’Neill, O'Neill and ONeill are found alike.
APOSTROPHES = "'`´‘’‚‛ʹʻʼʽˈˊˋ′‵＇｀׳ߴ"
MINUS = "−"
# Letters that have no decomposition into the letters people type for them.
LETTERS = {
    "ı": "i", "ø": "o", "œ": "oe", "æ": "ae", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŋ": "n", "ŧ": "t", "ə": "e",
    "ȷ": "j", "ƶ": "z", "ɨ": "i", "ʉ": "u", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ـ": "",
}  # fmt: skip
# Accents of Latin, Greek and Cyrillic, and the points of Hebrew and Arabic, which few people type. The marks of Indic and Thai scripts
# and of kana are parts of letters and stay.
ACCENTS = (
    (0x0300, 0x036F), (0x0483, 0x0487), (0x0591, 0x05BD), (0x05BF, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x06D6, 0x06DC), (0x06DF, 0x06E8), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),
)  # fmt: skip
_ACCENTS = frozenset(chr(code) for first, last in ACCENTS for code in range(first, last + 1))
_WITHOUT_APOSTROPHES = dict.fromkeys(map(ord, APOSTROPHES))
_DIGITS = re.compile(r"([0-9]+)")
_BELOW = re.compile(r"-\s*([0-9]+)(.*)", re.DOTALL)
LAST = "\t"  # separator before what decides between otherwise equal keys; sorts below every other character


def identity_key(text: str) -> str:
    """The key for comparing names: texts that look the same have the same key (R77).

    Folds compatibility forms, quotes and dashes, drops invisible characters, and folds case here because SQLite's lower() knows ASCII
    only.
    """
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", straight(text)) if not is_unseen(sign))
    return unicodedata.normalize("NFKC", " ".join(straight(seen).split()).casefold())


def search_key(text: str) -> str:
    """The text without what people leave out or vary when they search: case, accents, apostrophes, dashes, doubled spaces."""
    opened = unicodedata.normalize("NFKD", text.translate(_WITHOUT_APOSTROPHES)).casefold()
    found = []
    for sign in unicodedata.normalize("NFKD", opened).translate(_WITHOUT_APOSTROPHES):
        kind = unicodedata.category(sign)
        if kind in {"Pd", "Cc"} or sign == MINUS:
            found.append(" ")
        elif kind == "Nd":
            found.append(str(unicodedata.decimal(sign)))
        elif kind not in {"Cf", "Cs"} and sign not in _ACCENTS:
            found.append(LETTERS.get(sign, sign))
    return unicodedata.normalize("NFC", " ".join("".join(found).split()))


def compact_key(text: str) -> str:
    """Letters and digits only: order numbers are found with any separators or none."""
    return "".join(sign for sign in search_key(text) if sign.isalnum())


def natural_key(text: str) -> str:
    """A sort key with numbers by value: A2 before A10, -10 before -2 before 1, 0012 beside 12, Ä beside A."""
    below = _BELOW.match(_with_plain_minus(text))
    if below:
        return _depth(below[1]) + _counted(search_key(below[2]))
    return _counted(search_key(text))


def _with_plain_minus(text: str) -> str:
    """The text with every dash as an ASCII hyphen."""
    folded = "".join(
        "-" if unicodedata.category(sign) == "Pd" or sign == MINUS else sign
        for sign in unicodedata.normalize("NFKC", text)
        if unicodedata.category(sign) != "Cf"
    )
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in folded.strip())


def _counted(folded: str) -> str:
    """Each number preceded by its length, so that longer ones come later; leading zeros decide last."""
    parts = _DIGITS.split(folded)
    parts[1::2] = [_height(digits) for digits in parts[1::2]]
    key = "".join(parts)
    return f"{key}{LAST}{folded}" if re.search(r"(?<![0-9])0[0-9]", folded) else key


def _height(digits: str) -> str:
    digits = digits.lstrip("0") or "0"
    return f"{min(len(digits), 99):02}{digits}"


def _depth(digits: str) -> str:
    """The key of a negative number: the lower it is, the earlier; "!" sorts before all letters and digits."""
    digits = digits.lstrip("0") or "0"
    return f"!{99 - min(len(digits), 99):02}" + digits.translate(str.maketrans("0123456789", "9876543210"))


NEXT = "\x01"  # separator of the parts of a place; sorts below every other character, also below LAST
SLOT_DIGITS = 5


def place_key(*parts: str, slot: int | None = None) -> str:
    """The key of a place from the keys of its parts, the outermost first. Places without a part come last, slots after their place."""
    place = "".join(f"{part}{NEXT}" for part in ("0", *parts)) if parts else f"1{NEXT}"
    return place if slot is None else f"{place}{slot:0{SLOT_DIGITS}}"


def places_in(part: str) -> tuple[str, str]:
    """The range of keys of the places whose outermost part has this key: its start and its end."""
    first = place_key(part)
    return first, first.removesuffix(NEXT) + chr(ord(NEXT) + 1)


# --- floors -------------------------------------------------------------------------------------------------------------

# Names of floors without a number (spaces, dots and slashes removed), in tenths of a floor above the ground.
NAMED = {
    -20: "undergroundgarage tiefgarage tg parking garage carpark",
    -10: "ug kg lg lgf keller kellergeschoss untergeschoss souterrain basement cellar lowerground lowergroundfloor sousol sotano sótano",
    0: "g gf gr eg rc rdc rch pb pt bg ground groundfloor groundlevel erdgeschoss parterre rezdechaussee plantabaja pianoterra "
       "begane beganegrond lobby street streetlevel",
    3: "hp hochparterre upperground uppergroundfloor raisedground raisedgroundfloor",
    5: "m mz me mf zg mezz mezzanine mezzaninefloor zwischengeschoss entresol entreplanta",
    10: "og obergeschoss",
}  # fmt: skip
TOP = frozenset((
    "dg", "dachgeschoss", "dach", "dachterrasse", "attic", "atico", "loft", "roof", "rooftop", "roofdeck", "penthouse", "ph", "top", "topfloor",
    "terrace",
))  # fmt: skip
_LEVELS = {name: tenths for tenths, names in NAMED.items() for name in names.split()}
_BASEMENT = re.compile(
    r"(?:b|ug|kg|lg|sub|basement|untergeschoss|keller)([0-9]{1,3})(?:f|fl|floor|level)?|([0-9]{1,3})(?:ug|kg|untergeschoss|basement)"
)
_PREFIX = re.compile(
    r"(?:og|obergeschoss|floor|level|lvl|l|f|fl|etage|stock|stockwerk|geschoss|piso|piano|planta|nivel)([0-9]{1,6})(.*)"
)
_BELOW_NAMED = re.compile(
    r"(?:floor|level|lvl|l|f|fl|etage|stock|stockwerk|geschoss|piso|piano|planta|nivel|parking|park|parkdeck|garage|tiefgarage|deck)"
    r"[\s.]*-\s*([0-9]{1,6})"
)
_STOREY = re.compile(r"([0-9]{1,6})(.*)")
GROUND = 500_000_000  # tenths of a floor, added so that floors below the ground sort first


def floor_key(text: str) -> str:
    """`natural_key` for floors, which have names too: -2, -1, UG, then G and EG, the mezzanine, 1, 2, 10, other names, the roof."""
    rest = natural_key(text)
    plain = _with_plain_minus(text).casefold()
    below = _BELOW.match(plain) or _BELOW_NAMED.match(plain)
    if below and len(below[1]) < 7:
        return _level(-10 * int(below[1]), rest)
    name = re.sub(r"[\s./,_+]+", "", search_key(text))
    if (tenths := _LEVELS.get(name)) is not None:
        return _level(tenths, rest)
    if found := _BASEMENT.fullmatch(name):
        return _level(-10 * int(found[1] or found[2]), rest)
    if name in TOP or name.rstrip("0123456789") in TOP:
        return f"2{rest}"
    if found := _PREFIX.fullmatch(name) or _STOREY.fullmatch(name):
        return _level(10 * int(found[1]), rest)
    return f"1{rest}"


def _level(tenths: int, rest: str) -> str:
    return f"0{GROUND + tenths:09}{LAST}{rest}"
