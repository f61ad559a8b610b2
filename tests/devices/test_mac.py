"""MAC addresses as people type, scan and misread them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devices import mac
from devices.errors import MacRefused, NotADevice, NotHex, WrongLength
from devices.mac import BROADCAST, MISREAD, Mac

VENDOR = Mac(0x0C1105A1B2C3)
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
            "“٣” is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it.",
        ),
        (
            "0x1105A1B2C3",
            NotHex,
            "“x” is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it.",
        ),
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
        + data.draw(st.sampled_from(["", ":", "-", ".", " ", "\t"]))
        for digit in address.hex
    )
    assert mac.parse(written) == address
    assert mac.parse(str(mac.parse(written))) == address


@given(st.text(max_size=20))
def test_any_text_is_a_mac_or_refused_but_never_an_accident(text: str) -> None:
    try:
        address = mac.parse(text)
    except (WrongLength, NotHex, NotADevice):
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
