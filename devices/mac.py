"""MAC addresses: reading them as people type, scan, paste and misread them (R68, R69, R71). Pure functions, no database."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from devices import catalogue
from devices.addresses import DIGITS, Mac
from devices.errors import Ambiguous, MacRefused, NotADevice, NotHex, SpreadsheetNumber, WrongLength
from devices.mac_problems import HEX, device_problem, length_problem, lost_digits, lost_zeros, sign_problem

# Misread character → printed character
MISREAD = {"O": "0", "D": "0", "I": "1", "L": "1", "S": "5", "B": "8", "Z": "2"}
LOOK_ALIKE = str.maketrans(
    "АВСЕОІЅΑΒΕΟΙΖ", "ABCEOISABEOIZ"
)  # Cyrillic and Greek letters → the Latin ones they look like

_DASHES = "−∶꞉:.·•∙⋅‧"  # besides what Unicode calls a dash or a connector: minus, ratio, modifier colon and middle dots
# Compatibility forms of the same character, such as full-width digits
_FOLDED = ("<wide>", "<narrow>", "<small>", "<font>")
_COLUMNS = ("\t", ";", "|", ",")  # column separators, the most certain first
_ORDINARY = re.compile(
    r"[0-9A-F]{12}|[0-9A-F]{2}([:.\- ])(?:[0-9A-F]{2}\1){4}[0-9A-F]{2}|[0-9A-F]{4}([:.\- ])[0-9A-F]{4}\2[0-9A-F]{4}"
    r"|[0-9A-F]{6}[:.\- ][0-9A-F]{6}",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?<![0-9A-Z])(?:(?:w?lan|eth(?:ernet)?|wi-?fi)\d? *-*)?mac(?![g-hj-z])"
    r"(?: *-*(?:addresse?|adresse?|addr|id|nr|no)(?![0-9A-Z]))?[ .:#-]*",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"(?<![0-9A-Z])0x(?=[0-9A-F])", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?E(\+?)(\d{2})", re.IGNORECASE)
_WHOLE = re.compile(r"(\d{10,11})|(\d{7,11})[.,]0+")
_POINT = re.compile(r"(?<=^\d{12})[.,]0+$")
_SHORT = 4  # digits next to a MAC that may also belong to it


@dataclass(frozen=True, slots=True)
class Reading:
    """A text read as a MAC: the address, or the problem with it.

    `digits` are the twelve digits, or fewer of a beginning; `other_text` is the rest of the line, such as model and serial number.
    """

    mac: Mac | None = None
    digits: str = ""
    was_fixed: bool = False  # not in a usual notation: with a label, quotes, invisible characters, more columns
    problem: MacRefused | None = None
    other_text: tuple[str, ...] = ()
    typed: str = ""  # the text in the place of the digits, right or wrong

    def span(self, *, min_digits: int = 1) -> tuple[int, int] | None:
        """The range of addresses that begin with the digits; None when it is no MAC or too short."""
        if not min_digits <= len(self.digits) <= DIGITS:
            return None
        room = 4 * (DIGITS - len(self.digits))
        first = int(self.digits, 16) << room
        return first, first + (1 << room) - 1


def read(text: str) -> Reading:
    """Read one MAC in any notation, with the text that labels, spreadsheets and messengers put around it. Two possible readings are
    refused."""
    cleaned = _LABEL.sub("\n", _clean(text))
    parts = [column for line in cleaned.split("\n") for column in _columns(line)]
    labelled = "\n" in cleaned.strip(" ") and cleaned.count("\n") == 1
    after_label = len(_columns(cleaned.split("\n")[0])) if labelled else -1
    filled = [(place, column) for place, column in enumerate(parts) if column.strip()]
    if len(filled) == DIGITS // 2 and all(
        len(pair := _bare(column)) == 2 and HEX.issuperset(pair) for _p, column in filled
    ):
        parts = ["".join(parts)]
        filled = list(enumerate(parts))
    readings = {place: _column(column) for place, column in filled}
    found = {place: reading for place, reading in readings.items() if reading.mac}
    chosen = _chosen(found, after_label)
    if chosen is None and found:
        first, second, *_rest = found.values()
        return Reading(
            problem=Ambiguous(
                _("Two MAC addresses in one line: %(first)s and %(second)s. Enter one.")
                % {"first": first.mac, "second": second.mac}
            )
        )
    if chosen is None:
        return _best(readings, after_label)
    others = tuple(
        part
        for place, column in enumerate(parts)
        for part in (readings[chosen].other_text if place == chosen else (column.strip(),))
    )
    return replace(readings[chosen], was_fixed=not _ORDINARY.fullmatch(text.strip()), other_text=others)


def parse(text: str) -> Mac:
    """The address that `text` means. Raises a MacRefused with its problem (R69: format, then unicast and global)."""
    reading = read(text)
    if reading.mac is None:
        assert reading.problem is not None
        raise reading.problem
    return reading.mac


def repairs(text: str, known: Set[Mac] | Callable[[Set[Mac]], Iterable[Mac]]) -> Mac | None:
    """The only known address that the label may really say; None when there is none or more than one.

    `known` is the set of known addresses, or a function that selects the known ones of the candidates (at most 4095). D and B are digits
    too, so both readings are tried; O, I, l, S and Z can only be misread. Leading zeros that a spreadsheet or a computer dropped are
    restored.
    """
    candidates = readings(text)
    if not candidates:
        return None
    found = set(known(candidates)) if callable(known) else candidates & known
    return found.pop() if len(found) == 1 else None


def readings(text: str) -> set[Mac]:
    """What a misread label may really say: the candidates of `repairs`, at most 4095."""
    typed = read(text).typed.upper()
    latin = typed.translate(LOOK_ALIKE)
    found = (_misread(_bare(latin)) | _without_zeros(latin)) - {_bare(typed)}
    candidates = {Mac(int(digits, 16)) for digits in found}
    return {mac for mac in candidates if not device_problem(mac)}


def may_be_devices(value: int) -> bool:
    """Whether a device can have this address, or an address that begins with it."""
    return not (value >> 40) & 3


def rounded(text: str) -> tuple[int, int] | None:
    """The first and the last address that a spreadsheet shows as this number, such as 1.12233E+11."""
    number = _SCIENTIFIC.fullmatch(read(text).typed)
    if number is None or int(number[4]) >= DIGITS:
        return None
    digits, power = number[1] + (number[2] or ""), int(number[4])
    unit = 10 ** max(power + 1 - len(digits), 0)
    middle = int(digits[: power + 1]) * unit
    first, last = max(middle - unit // 2, 0), min(middle + unit // 2, 10**DIGITS - 1)
    return int(f"{first:012d}", 16), int(f"{last:012d}", 16)


def is_decimal(mac: Mac) -> bool:
    """Whether a spreadsheet may take the address for a number."""
    return mac.hex.isdecimal()


def maker(mac: Mac) -> str:
    """The maker of the address by IEEE's register; "" when unassigned."""
    import netaddr  # imported here: the registers are read from files, and only foreign addresses need them

    try:
        return str(netaddr.EUI(mac.value, version=48).oui.registration().org)
    except netaddr.NotRegisteredError:
        return ""


def _clean(text: str) -> str:
    """The text without invisible characters, with hyphens for all dashes and connectors, without quotes and brackets, with look-alikes
    folded."""
    signs = []
    for typed in text:
        # Zero-width characters, direction marks, byte order marks, soft hyphens
        if unicodedata.category(typed) == "Cf":
            continue
        is_form = unicodedata.decomposition(typed).startswith(_FOLDED)
        sign = unicodedata.normalize("NFKC", typed) if is_form else typed
        category = unicodedata.category(sign)
        if sign in _COLUMNS or sign == ".":
            signs.append(sign)
        elif sign in _DASHES or category in {"Pd", "Pc"}:
            signs.append(":" if sign in "∶꞉:" else "-")
        elif category in {"Pi", "Pf"} or sign in "\"'`=":
            continue
        else:
            signs.append(" " if sign.isspace() or category in {"Cc", "Ps", "Pe"} or sign in "*<>" else sign)
    return "".join(signs).strip()


def _columns(line: str) -> list[str]:
    number = _POINT.sub("", line.strip())
    if _SCIENTIFIC.fullmatch(number) or _WHOLE.fullmatch(number) or number != line.strip():
        return [line]  # the comma is a decimal one
    divider = next((sign for sign in _COLUMNS if sign in line), None)
    return line.split(divider) if divider else [line]


def _bare(text: str) -> str:
    return "".join(sign for sign in text if sign not in ":-." and not sign.isspace())


def _chosen(found: dict[int, Reading], after_label: int) -> int | None:
    """The column that contains the MAC; None when several may."""
    if not found:
        return None
    if after_label in found:
        return after_label
    first = min(found)
    others = {place: reading for place, reading in found.items() if reading.mac != found[first].mac}
    if not others:
        return first
    # MAC, model, serial number: a serial number may look like a MAC.
    is_serial = first == 0 and min(others) >= 2
    owns = [reading.mac.is_vendor for reading in others.values() if reading.mac]
    first_mac = found[first].mac
    return first if is_serial and first_mac and (first_mac.is_vendor or not any(owns)) else None


def _best(readings: dict[int, Reading], after_label: int) -> Reading:
    """The most probable reading among the columns."""
    if after_label in readings:
        return readings[after_label]
    for reading in readings.values():
        if catalogue.canonical(reading.typed) is None:
            return reading
    return Reading(problem=WrongLength(length_problem(0)))


def _column(text: str) -> Reading:
    """Read one column; words next to the MAC are separated by spaces."""
    text = _POINT.sub("", _PREFIX.sub("", text).strip())
    if _SCIENTIFIC.fullmatch(text) and ("." in text or "," in text or "+" in text):
        return Reading(problem=SpreadsheetNumber(lost_digits()), typed=text)
    if number := _WHOLE.fullmatch(text):
        digits = number[1] or number[2]
        return Reading(problem=SpreadsheetNumber(lost_zeros(len(digits))), digits=digits, typed=digits)
    words = text.split()
    whole = [place for place, word in enumerate(words) if _is_hex(word) and len(_bare(word)) == DIGITS]
    if len({_bare(words[place]).upper() for place in whole}) > 1:
        first, second = words[whole[0]], words[whole[1]]
        problem = _("Two MAC addresses in one line: %(first)s and %(second)s. Enter one.")
        return Reading(problem=Ambiguous(problem % {"first": first, "second": second}))
    if whole:
        return _read_words(words, whole[0], whole[0] + 1)
    return _spaced(words)


def _read_words(words: Sequence[str], start: int, end: int) -> Reading:
    """The MAC in words[start:end], with the other words as `other_text`; refused if a word next to it may belong to it."""
    for place in (start - 1, end):
        if 0 <= place < len(words) and _may_belong(words[place]):
            return _wrong("".join(words[min(start, place) : max(end, place + 1)]))
    digits = _bare("".join(words[start:end])).upper()
    mac = Mac(int(digits, 16))
    beside = (*words[:start], *words[end:])
    if problem := device_problem(mac):
        return Reading(digits=digits, problem=NotADevice(problem), typed=digits, other_text=beside)
    return Reading(mac, digits, typed=digits, other_text=beside)


def _spaced(words: Sequence[str]) -> Reading:
    """A MAC whose groups are separated by spaces, perhaps followed by a model and a serial number."""
    run = list(itertools.takewhile(_is_hex, words))
    lengths = [len(_bare(word)) for word in run]
    model = next((place for place, word in enumerate(run) if place and catalogue.canonical(word)), None)
    sums = list(itertools.accumulate(lengths))
    if DIGITS in sums:
        end = sums.index(DIGITS) + 1
        is_uniform = len(set(lengths[:end])) == 1
        if is_uniform or (model is not None and model >= end and not any(n % 2 for n in lengths[:end])):
            return _read_words(words, 0, end)
        if model is None and end == len(run):
            if any(n % 2 for n in lengths):
                problem = _("The spaces leave open where the MAC address ends. Write its 12 digits without spaces.")
                return Reading(problem=Ambiguous(problem), typed="".join(run))
            return _read_words(words, 0, end)
    if model is not None:
        return _wrong(":".join(run[:model]))
    if len(run) < len(words) and (catalogue.canonical(words[len(run)]) is None or not run):
        return _wrong("".join(words) if len(_bare("".join(words))) == DIGITS else "".join(words[: len(run) + 1]))
    return _wrong("".join(run))


def _is_hex(word: str) -> bool:
    bare = _bare(word)
    return bool(bare) and HEX.issuperset(bare)


def _may_belong(word: str) -> bool:
    return _is_hex(word) and len(_bare(word)) <= _SHORT and catalogue.canonical(word) is None


def _wrong(typed: str) -> Reading:
    """Why it is no MAC: the first wrong character, otherwise the number of digits."""
    compact = _bare(typed)
    if not HEX.issuperset(compact):
        return Reading(problem=NotHex(sign_problem(compact)), typed=typed)
    digits = compact.upper() if len(compact) <= DIGITS else ""
    return Reading(problem=WrongLength(length_problem(len(compact))), digits=digits, typed=typed)


def _misread(compact: str) -> set[str]:
    if len(compact) != DIGITS:
        return set()
    choices = [
        {sign, MISREAD[sign]} if sign in HEX and sign in MISREAD else {MISREAD.get(sign, sign)} for sign in compact
    ]
    if not all(HEX.issuperset(choice) for choice in choices):
        return set()
    return {"".join(digits) for digits in itertools.product(*choices)}


def _without_zeros(typed: str) -> set[str]:
    """The text with the leading zeros restored that a spreadsheet or a computer drops from a number."""
    if _WHOLE.fullmatch(typed):
        return {typed.zfill(DIGITS)}
    pairs = re.split("[:-]", typed)
    if len(pairs) == DIGITS // 2 and all(1 <= len(pair) <= 2 and HEX.issuperset(pair) for pair in pairs):
        return {"".join(pair.zfill(2) for pair in pairs)}
    return set()
