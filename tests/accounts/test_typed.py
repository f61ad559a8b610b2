"""What people type is cleaned of what nobody sees, and an address is one address however it arrives."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Literal

import pytest

from accounts.errors import Refused
from accounts.typed import amounts, mail, phones, text

ENGLAND = "\U0001f3f4" + "".join(chr(0xE0000 + ord(sign)) for sign in "gbeng\x7f")
WRITTEN = {
    "a\u200bb": "ab", "\ufeffa": "a", "\u202eevil": "evil", "so\u00adft": "soft", "a\u00a0b\u2003c": "a b c", "  a \r\n\tb ": "a b",
    "a\u2028b": "a b", "\u3164": "", "\u2800": "", "４２": "42", "ＡＢ（株）": "AB（株）", "e\u0301": "é",
    "O’Neill – “x”": "O’Neill – “x”", "محمد": "محمد", "می‌خواهم": "می‌خواهم", "👩‍👩‍👧": "👩‍👩‍👧", "❤️": "❤️", "x\u200dy": "xy", "\u200d": "",
    ENGLAND: ENGLAND, f"{ENGLAND}{ENGLAND[1:]}": ENGLAND, ENGLAND[:-1]: ENGLAND[0], f"a{ENGLAND[1:]}": "a",
}  # fmt: skip
CONTROL = ["A\x0bB", "A\x1dB", "A\0", "\x85", "\x7f", "\ud800", "\ufffe", "\ufdd0"]


@pytest.mark.parametrize("typed", WRITTEN, ids=ascii)
def test_a_line_is_what_one_sees(typed: str) -> None:
    assert text.line(typed) == WRITTEN[typed]
    assert text.line(WRITTEN[typed]) == WRITTEN[typed]


@pytest.mark.parametrize("typed", CONTROL, ids=ascii)
@pytest.mark.parametrize("clean", [text.line, text.block, text.code])
def test_control_characters_are_refused_in_words(typed: str, clean: object) -> None:
    with pytest.raises(Refused, match=r"U\+"):
        clean(typed)  # type: ignore[operator]


def test_of_format_characters_only_joiners_are_left() -> None:
    signs = [chr(number) for number in range(0x110000) if unicodedata.category(chr(number)) in {"Cf", "Zs", "Zl", "Zp"}]
    assert len(signs) > 150
    assert text.line("".join(f"a{sign}" for sign in signs)).replace("a", "").strip() == ""
    assert {text.line(f"a{sign}b") for sign in signs} == {"ab", "a b"}


def test_a_block_keeps_its_lines_and_indents() -> None:
    assert text.block("a\r\n\tb\rc\u2029d\u200b") == "a\n\tb\nc\nd"


def test_an_identifier_has_plain_digits_and_hyphens() -> None:
    assert text.code(" DE–１２３‑٣ ’") == "DE-123-3 '"


def test_what_is_searched_for_is_never_refused() -> None:
    assert text.sought("A\x1dB\0 \u200bc", most=20) == "A B c"
    assert text.sought("x" * 99, most=20) == "x" * 20


FOLDING = [
    text.line, text.block, text.code, mail.address, mail.key, partial(phones.number, country="DE"), partial(amounts.minor, digits=2, language="en"),
]  # fmt: skip


@pytest.mark.parametrize("clean", FOLDING)
@pytest.mark.parametrize("sign", ["\ufdfa", "\u0316\u0301", "<"], ids=ascii)
def test_what_is_endless_is_never_folded(
    clean: Callable[[str], str], sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[int] = []

    class Folding:
        def normalize(self, form: Literal["NFC", "NFKC"], typed: str) -> str:
            folded.append(len(typed))
            return unicodedata.normalize(form, typed)

        def __getattr__(self, name: str) -> object:
            return getattr(unicodedata, name)

    monkeypatch.setattr(text, "unicodedata", Folding())
    with contextlib.suppress(Refused):
        assert len(clean(sign * 500_000)) <= mail.LONGEST
        assert clean is mail.key
    assert max(folded, default=0) <= 4 * mail.LONGEST


def test_the_sign_before_a_control_character_is_named_in_a_long_text_too() -> None:
    with pytest.raises(Refused, match=r"After “x{20}”"):
        text.block("x" * 50_000 + "\x0b")


SAME = [
    "idn@bücher.example", "IDN@BÜCHER.EXAMPLE", "idn@xn--bcher-kva.example", "idn@bu\u0308cher.example", "idn@bücher.example\u200b",
    "\ufeffidn@bücher.example", "Ida N. <idn@bücher.example>", '"N, Ida" <idn@xn--bcher-kva.example>;', "mailto:idn@bücher.example",
    "<mailto:IDN@b%C3%BCcher.example?subject=x>", "ｉｄｎ＠ｂüｃｈｅｒ。ｅｘａｍｐｌｅ", " 'idn@bücher.example', ",
]  # fmt: skip


@pytest.mark.parametrize("typed", SAME, ids=ascii)
def test_an_address_has_one_key_and_is_shown_in_unicode(typed: str) -> None:
    found = mail.address(typed)
    assert (found.key, found.shown.lower()) == ("idn@bücher.example", "idn@bücher.example")
    assert mail.key(typed) == found.key
    assert mail.in_ascii(found.shown).lower() == "idn@xn--bcher-kva.example"


def test_sharp_s_is_not_ss() -> None:
    sharp, plain = mail.address("info@STRAẞE.example"), mail.address("info@strasse.example")
    assert (sharp.key, plain.key) == ("info@straße.example", "info@strasse.example")
    assert mail.in_ascii(sharp.shown) == "info@xn--strae-oqa.example"


@pytest.mark.parametrize("typed", ["a@b.test", "a@b.invalid", "a@office.local", "o’neill@b.example"])
def test_reserved_domains_are_taken(typed: str) -> None:
    assert mail.address(typed).shown == typed.replace("’", "'")


def test_two_mailboxes_are_two() -> None:
    local_parts = ["o`neill", "o'neill", "'bob'", "'bob", "bob'", "bob"]
    assert [mail.address(f"{local}@x.example").key for local in local_parts] == [
        f"{local}@x.example" for local in local_parts
    ]
    for typed in ("'bob'@x.example", "' 'bob'@x.example'", "<'bob'@x.example>", "'<'bob'@x.example>'"):
        assert mail.address(typed).key == "'bob'@x.example"


@pytest.mark.parametrize(
    "typed", ["", "a", "a@b", "ä@b.example", "a b@c.example", "a@b..example", "a@x.example, b@x.example", "a@-b.example",
              f"a@{'b' * 300}.example", "a@127.0.0.1", "a\x1d@b.example"]
)  # fmt: skip
def test_what_is_no_address_is_refused_and_still_has_a_key(typed: str) -> None:
    with pytest.raises(Refused):
        mail.address(typed)
    assert len(mail.key(typed)) <= mail.LONGEST


def test_a_part_of_an_address_is_looked_for_as_its_key_has_it() -> None:
    assert (mail.key("xn--bcher-kva"), mail.key("BÜCHER"), mail.key("xn--bch")) == ("bücher", "bücher", "xn--bch")
