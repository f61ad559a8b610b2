"""MAC addresses as people type, scan and misread them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devices import mac
from devices.addresses import BROADCAST, Mac
from devices.errors import Ambiguous, MacRefused, NotADevice, NotHex, SpreadsheetNumber, WrongLength
from devices.mac import MISREAD

VENDOR = Mac(0x0C1105A1B2C3)
LOST_DIGITS = (
    "A spreadsheet made a number of this MAC address, and its last digits are lost. Make the column text there, or read the "
    "label."
)
LOST_ZEROS = (
    "%s of 12 digits: a spreadsheet makes a number of such a MAC address and drops the zeros before it. Make the column text "
    "there, or read the label."
)
UNICAST = st.integers(1, BROADCAST - 1).filter(lambda value: not (value >> 40) & 0b11).map(Mac)


@pytest.mark.rule("R68")
@pytest.mark.parametrize(
    "text",
    [
        "0C:11:05:A1:B2:C3",
        "0c-11-05-a1-b2-c3",
        "0c11.05a1.b2c3",
        "0C 11 05 A1 B2 C3",
        "0c1105A1b2C3",
        "  0C1105A1B2C3\r\n",
        "0C:11-05.A1 B2\u00a0C3",
    ],
)
def test_every_way_to_write_a_mac_means_the_same(text: str) -> None:
    assert mac.parse(text) == VENDOR
    assert mac.read(text).was_fixed == (text.strip() == "0C:11-05.A1 B2\u00a0C3")


@pytest.mark.rule("R68")
@pytest.mark.parametrize(
    "text",
    [
        "0C1105\u200bA1B2C3",  # zero-width space
        "\ufeff0C1105A1B2C3",  # byte order mark
        "0C1105A1B2C3\u200e",  # left-to-right mark
        "0C11\u00ad05A1B2C3",  # soft hyphen
        '"0C1105A1B2C3"',
        '="0C1105A1B2C3"',
        "'0C1105A1B2C3",
        "“0C:11:05:A1:B2:C3”",
        "MAC: 0C:11:05:A1:B2:C3",
        "mac address 0c-11-05-a1-b2-c3",
        "MAC-Adresse:0C1105A1B2C3",
        "WLAN MAC 0C1105A1B2C3",
        "MAC0C1105A1B2C3",
        "0x0C1105A1B2C3",
        "0x0C:0x11:0x05:0xA1:0xB2:0xC3",
        "0C–11–05–A1–B2–C3",
        "0C\u201111\u201105\u2011A1\u2011B2\u2011C3",
        "0C_11_05_A1_B2_C3",
        "0C·11·05·A1•B2•C3",
        "０Ｃ１１０５Ａ１Ｂ２Ｃ３",
        "０Ｃ：１１：０５：Ａ１：Ｂ２：Ｃ３",
        "*0C1105A1B2C3*",  # as Code 39 prints it
        "0C,11,05,A1,B2,C3",
        "0C1105A1B2C3 C313 4711",
        "0C 11 05 A1 B2 C3 C313 4711",
        "0C1105A1B2C3\tC313\t4711",
        "0C:11:05:A1:B2:C3,C313,SN 4711",
        "0C:11:05:A1:B2:C3;C313;112233445566",
        "Model C313 MAC 0C:11:05:A1:B2:C3 SN 4711",
        "SN: 112233445566 MAC: 0C1105A1B2C3",
        "1;C313;0C1105A1B2C3",
    ],
)
def test_what_labels_spreadsheets_and_messengers_add_is_taken_away_and_told(text: str) -> None:
    reading = mac.read(text)
    assert (reading.mac, reading.was_fixed, reading.problem) == (VENDOR, True, None)


def test_what_stands_beside_a_mac_is_kept() -> None:
    assert mac.read("0C1105A1B2C3 C313 4711").other_text == ("C313", "4711")
    assert mac.read("0C:11:05:A1:B2:C3;C313;SN 4711").other_text == ("C313", "SN 4711")
    assert mac.read("112233445566.0").digits == "112233445566"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("0c:11", "0C11"),
        ("MAC: 0C11-05", "0C1105"),
        ("0C11\u200b05", "0C1105"),
        ("Harbour", ""),
        ("11:G", ""),
        ("", ""),
    ],
)
def test_the_beginning_of_a_mac_is_a_range_of_addresses(text: str, digits: str) -> None:
    reading = mac.read(text)
    assert (reading.mac, reading.digits) == (None, digits)
    span = reading.span(min_digits=4)
    assert span == ((int(digits.ljust(12, "0"), 16), int(digits.ljust(12, "F"), 16)) if digits else None)
    assert reading.span(min_digits=7) is None


@pytest.mark.parametrize(
    ("text", "known", "meant"),
    [
        ("1105880003", {Mac(0x001105880003)}, Mac(0x001105880003)),
        ("1105880003.0", {Mac(0x001105880003)}, Mac(0x001105880003)),
        ("0:11:5:88:0:3", {Mac(0x001105880003)}, Mac(0x001105880003)),
        ("1105880003", {Mac(0x110588000300)}, None),
        ("0\N{CYRILLIC CAPITAL LETTER ES}1105A1B2C3", {VENDOR}, VENDOR),
    ],
)
def test_what_a_spreadsheet_or_a_keyboard_took_away_is_put_back_when_it_is_known(
    text: str, known: set[Mac], meant: Mac | None
) -> None:
    assert mac.read(text).mac is None
    assert mac.repairs(text, known) == meant


def test_a_rounded_number_leaves_a_range() -> None:
    assert mac.rounded("1.12233E+11") == (0x112232500000, 0x112233500000)
    assert mac.rounded("1,1E+10") == (0x010500000000, 0x011500000000)
    assert mac.rounded("1.12233E+14") is None
    assert mac.rounded("0C1105A1B2C3") is None


def test_a_mac_shows_itself_with_colons_and_knows_its_maker() -> None:
    assert (str(VENDOR), VENDOR.hex, VENDOR.oui, VENDOR.is_vendor) == (
        "0C:11:05:A1:B2:C3", "0C1105A1B2C3", "0C:11:05", True,
    )  # fmt: skip
    assert not Mac(0x00000C000001).is_vendor
    assert mac.maker(Mac(0x00000C000001)) == "Cisco Systems, Inc"
    assert mac.maker(Mac(0xDC1105000001)) == ""


@pytest.mark.rule("R69")
@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", WrongLength, "Enter the MAC address: 12 digits on the label, or scan it."),
        (" :-. ", WrongLength, "Enter the MAC address: 12 digits on the label, or scan it."),
        ("123", WrongLength, "3 of 12 digits. Check the last pair on the label, or scan it."),
        ("0c:11:5:a1:b2:c3", WrongLength, "11 of 12 digits. Check the last pair on the label, or scan it."),
        (
            "0C1105A1B2C34",
            WrongLength,
            "13 digits, but a MAC address has 12. Check for a digit typed twice, or scan it.",
        ),
        (
            "0C1105A1B2CG",
            NotHex,
            "“G” is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it.",
        ),
        (
            "0C1105A1B2C٣",
            NotHex,
            "U+0663 ARABIC-INDIC DIGIT THREE is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan "
            "it.",
        ),
        ("0x1105A1B2C3", WrongLength, "10 of 12 digits. Check the last pair on the label, or scan it."),
        (
            "0C1105A1é2C3",
            NotHex,
            "“é” is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it.",
        ),
        (
            "0C:11:05:☃",
            NotHex,
            "U+2603 SNOWMAN is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it. "
            "Besides it there are 6 of 12 digits.",
        ),
        (
            "0\N{CYRILLIC CAPITAL LETTER ES}1105A1B2C3",
            NotHex,
            "U+0421 CYRILLIC CAPITAL LETTER ES is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or "
            "scan it.",
        ),
        (
            "0C 11 05 A1 B2 C3 AA",
            WrongLength,
            "14 digits, but a MAC address has 12. Check for a digit typed twice, or scan it.",
        ),
        ("0C110588 C313", WrongLength, "8 of 12 digits. Check the last pair on the label, or scan it."),
        ("0C1105880 E11", WrongLength, "9 of 12 digits. Check the last pair on the label, or scan it."),
        ("0C11058800;C313;4711", WrongLength, "10 of 12 digits. Check the last pair on the label, or scan it."),
        (
            "0C1105880 123",
            Ambiguous,
            "The spaces leave open where the MAC address ends. Write its 12 digits without spaces.",
        ),
        (
            "0C1105A1B2C3 0C1105A1B2C4",
            Ambiguous,
            "Two MAC addresses in one line: 0C1105A1B2C3 and 0C1105A1B2C4. Enter one.",
        ),
        (
            "0C1105A1B2C3,0C1105A1B2C4",
            Ambiguous,
            "Two MAC addresses in one line: 0C:11:05:A1:B2:C3 and 0C:11:05:A1:B2:C4. Enter one.",
        ),
        ("1.12233E+11", SpreadsheetNumber, LOST_DIGITS),
        ("1,12233E+11;C313;4711", SpreadsheetNumber, LOST_DIGITS),
        ("1105880003", SpreadsheetNumber, LOST_ZEROS % 10),
        ("11058800031", SpreadsheetNumber, LOST_ZEROS % 11),
        ("1105880003,0", SpreadsheetNumber, LOST_ZEROS % 10),
        ("000000000000", NotADevice, "All zeros is no device's address. Look at the label, or scan it."),
        (
            "ff:ff:ff:ff:ff:ff",
            NotADevice,
            "FF:FF:FF:FF:FF:FF is the broadcast address, no device's. Look at the label, or scan it.",
        ),
        (
            "0D1105A1B2C3",
            NotADevice,
            "0D:11:05:A1:B2:C3 is a multicast address, no device's. Check the first pair on the label.",
        ),
        (
            "0E1105A1B2C3",
            NotADevice,
            "0E:11:05:A1:B2:C3 was made up by software, not by a maker. Use the address on the label.",
        ),
    ],
)
def test_what_is_no_mac_of_a_device_is_refused_in_plain_words(text: str, error: type[MacRefused], message: str) -> None:
    with pytest.raises(error) as refusal:
        mac.parse(text)
    assert (str(refusal.value), refusal.value.field, refusal.value.suggestion) == (message, "mac", None)


@pytest.mark.rule("R68")
@given(UNICAST, st.data())
def test_separators_and_case_never_matter(address: Mac, data: st.DataObject) -> None:
    written = "".join(
        data.draw(st.sampled_from([digit.upper(), digit.lower()]))
        + data.draw(st.sampled_from(["", ":", "-", ".", "_", "–"] + ([" ", "\u00a0"] if place % 2 else [])))
        for place, digit in enumerate(address.hex)
    )
    assume(not written.replace(".", "").isdecimal())  # a number, and perhaps a rounded one
    assume("E" not in written.upper() or written.count(".") != 1)
    assert mac.parse(written) == address
    assert mac.parse(str(mac.parse(written))) == address


LABELS = ["", "MAC: ", "mac ", "MAC-Adresse: ", "MAC addr. ", "0x", "LAN MAC:"]
QUOTES = [
    ("", ""),
    ('"', '"'),
    ('="', '"'),
    ("'", ""),
    ("“", "”"),
    ("(", ")"),
    (" ", "\r\n"),
    ("\ufeff", "\u200e"),
    ("*", "*"),
]
OTHER_TEXT = ["", "\tC313\t4711", ";C313;SN 4711", ", C313", " C313 4711", ",,105031234567", " iTec"]


@pytest.mark.rule("R68")
@given(UNICAST, st.sampled_from(["", ":", "-", ".", " ", "\u2011", "−", "_", "："]), st.data())
def test_any_decoration_of_a_mac_means_the_mac(address: Mac, separator: str, data: st.DataObject) -> None:
    pairs = [address.hex[i : i + 2] for i in range(0, 12, 2)]
    written = separator.join(pairs)
    if data.draw(st.booleans()):
        written = written.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789ABCDEF"})
    place = data.draw(st.integers(0, len(written)))
    written = written[:place] + data.draw(st.sampled_from(["", "\u200b", "\u00ad", "\u2060"])) + written[place:]
    before, after = data.draw(st.sampled_from(QUOTES))
    written = before + data.draw(st.sampled_from(LABELS)) + written + after + data.draw(st.sampled_from(OTHER_TEXT))
    assert mac.parse(written) == address
    assert mac.read(written).digits == address.hex


@pytest.mark.rule("R68")
@given(UNICAST, st.integers(1, 11), st.sampled_from(["C313", "E11", "A01", "12", "123", "4711", "AB"]), st.data())
def test_a_shortened_mac_with_something_beside_it_never_becomes_another_mac(
    address: Mac, length: int, other_text: str, data: st.DataObject
) -> None:
    written = address.hex[:length] + data.draw(st.sampled_from([",", ";", "\t", "|"])) + other_text
    assert mac.read(written).mac is None
    if other_text in {"C313", "E11", "A01"}:
        assume(len({length, len(other_text)}) > 1)
        assert mac.read(f"{address.hex[:length]} {other_text}").mac is None


@given(UNICAST, UNICAST, st.sampled_from([" ", ",", ";", "\t", "\n", " / ", " MAC: "]))
def test_two_macs_are_never_one(one: Mac, other: Mac, between: str) -> None:
    assume(one != other)
    reading = mac.read(f"{one}{between}{other}")
    assert reading.mac is None or between == " MAC: "


@given(st.text(max_size=20))
def test_any_text_is_a_mac_or_refused_but_never_an_accident(text: str) -> None:
    try:
        address = mac.parse(text)
    except (WrongLength, NotHex, NotADevice, SpreadsheetNumber, Ambiguous):
        return
    assert 0 < address.value < BROADCAST


@pytest.mark.parametrize(
    ("text", "known", "repaired"),
    [
        ("DC1105A1B2C3", {VENDOR}, VENDOR),
        ("OCllO5AlB2C3", {VENDOR}, VENDOR),
        ("oc:ii:os:ai:bz:c3", {VENDOR}, VENDOR),
        ("0C11058A1000", {Mac(0x0C11058A1000)}, None),  # nothing to repair
        ("0C1105BA1000", {Mac(0x0C11058A1000)}, Mac(0x0C11058A1000)),
        ("0C11050000BB", {Mac(0x0C110500008B), Mac(0x0C11050000B8)}, None),  # two known readings: no guess
        ("0C11050000BB", {Mac(0x0C110500008B)}, Mac(0x0C110500008B)),
        ("DC1105A1B2C3", set(), None),
        ("DC1105A1B2C", {VENDOR}, None),
        ("GC1105A1B2C3", {VENDOR}, None),
        ("OOOOOOOOOOOO", {Mac(0)}, None),  # the reading would be no device's
    ],
)
def test_a_misread_label_is_repaired_when_exactly_one_reading_is_known(
    text: str, known: set[Mac], repaired: Mac | None
) -> None:
    assert mac.repairs(text, known) == repaired
    assert mac.repairs(text, lambda candidates: candidates & known) == repaired


@given(UNICAST, st.data())
def test_whatever_is_misread_finds_its_way_back(address: Mac, data: st.DataObject) -> None:
    readings = {printed: [read for read in MISREAD if MISREAD[read] == printed] for printed in "01582"}
    text = "".join(data.draw(st.sampled_from([digit, *readings.get(digit, [])])) for digit in address.hex)
    assume(text != address.hex)
    assert mac.repairs(text, {address}) == address


def test_a_sign_between_enough_digits_is_named_without_a_count() -> None:
    with pytest.raises(MacRefused) as refusal:
        mac.parse("0C:11:05:88:00:03/0C:11:05:88:00:04")
    assert "“/” is no digit" in str(refusal.value)
    assert "24" not in str(refusal.value)
