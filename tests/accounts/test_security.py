"""Codes, recovery codes, browsers in words, masked addresses: the figures behind the sign-in."""

from __future__ import annotations

import pytest
from django_otp.oath import hotp
from hypothesis import given
from hypothesis import strategies as st

from accounts import two_factor
from accounts.clients import in_words, masked

# --- addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("84.17.3.4", "84.17.x.x"),
        ("0.0.0.0", "0.0.x.x"),
        ("::ffff:84.17.3.4", "84.17.x.x"),
        ("2001:db8:aa:bb:cc:dd:ee:ff", "2001:db8:aa::/48"),
        ("2001:db8:aa:bb::", "2001:db8:aa::/48"),
        ("::1", "::/48"),
        ("", ""),
        (None, ""),
        ("nonsense", ""),
        ("84.17.3", ""),
    ],
)
def test_half_of_an_address_is_kept(address, kept):
    assert masked(address) == kept


@given(st.ip_addresses(v=4))
def test_the_last_half_never_matters(address):
    first, second, *_ = str(address).split(".")
    assert masked(str(address)) == f"{first}.{second}.x.x"


@given(st.ip_addresses(v=6))
def test_of_a_long_address_48_bits_are_kept_at_most(address):
    if address.ipv4_mapped is None:
        assert masked(str(address)).endswith("/48")


# --- browsers -------------------------------------------------------------------------------------------------------------

GECKO, KIT = "Gecko/20100101", "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "device", "browser"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) {GECKO} Firefox/145.0", "Windows PC", "Firefox 145"),
        (f"Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/142.0.0.0 Safari/537.36", "Windows PC", "Chrome 142"),
        (f"Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.1", "Windows PC", "Edge 142"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {KIT} Chrome/120.0 Safari/537.36 OPR/106.0", "Linux PC", "Opera 106"),
        (f"Mozilla/5.0 (X11; CrOS x86_64) {KIT} Chrome/142.0 Safari/537.36", "Chromebook", "Chrome 142"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.1 Mobile/15E148 Safari/604.1",
            "iPhone",
            "Safari 18",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.4 Safari/605.1.15",
            "Mac",
            "Safari 17",
        ),
        (f"Mozilla/5.0 (iPad; CPU OS 17_0) {KIT} CriOS/120.0 Mobile/15E148 Safari/604.1", "iPad", "Chrome 120"),
        (
            f"Mozilla/5.0 (Linux; Android 14) {KIT} SamsungBrowser/23.0 Chrome/115.0 Mobile Safari/537.36",
            "Android",
            "Samsung Internet 23",
        ),
        ("curl/8.5.0", "", ""),
        ("", "", ""),
    ],
)
def test_a_browser_is_named_as_people_name_it(agent, device, browser):
    assert in_words(agent) == (device, browser)


@given(st.text())
def test_whatever_a_client_claims_the_words_are_short(agent):
    device, browser = in_words(agent)
    assert len(device) <= 40
    assert len(browser) <= 60


# --- codes ----------------------------------------------------------------------------------------------------------------

KEY = "3132333435363738393031323334353637383930"  # the key of RFC 6238


@pytest.mark.parametrize(
    ("unix_time", "code", "step"),
    [(59, "287082", 1), (1111111109, "081804", 37037036), (1234567890, "005924", 41152263)],
)
def test_the_codes_are_those_of_the_standard(unix_time, code, step):
    assert two_factor.matching_step(KEY, code, unix_time=unix_time) == step
    assert two_factor.matching_step(KEY, f"{code[:3]} {code[3:]}", unix_time=unix_time) == step


@pytest.mark.parametrize(("off", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_early_or_late_will_do(off, is_right):
    code = f"{hotp(bytes.fromhex(KEY), 1000 + off):06d}"
    assert two_factor.matching_step(KEY, code, unix_time=30_000) == (1000 + off if is_right else None)


@pytest.mark.parametrize("nonsense", ["", "28708", "2870820", "x87082", "²87082", "２８７０８２", "-87082", "0x2870"])
def test_what_is_not_six_digits_is_no_code(nonsense):
    assert two_factor.matching_step(KEY, nonsense, unix_time=59) is None


def test_recovery_codes_are_eight_different_ones_without_letters_that_are_misread():
    codes = two_factor.new_recovery_codes()
    assert len(set(codes)) == 8
    for code in codes:
        assert len(code) == 9
        assert code[4] == "-"
        assert not set(code) & set("01IO")
    assert not set(codes) & set(two_factor.new_recovery_codes())


def test_what_is_kept_of_a_recovery_code_depends_on_the_secret_of_the_installation(settings):
    kept = two_factor.recovery_digest("4F7K-Q2MX")
    assert kept == two_factor.recovery_digest(" 4f7k q2mx ")
    assert len(kept) == 16
    assert kept != two_factor.recovery_digest("4F7K-Q2MY")
    settings.SECRET_KEY = "another" * 8
    assert two_factor.recovery_digest("4F7K-Q2MX") != kept


def test_a_secret_is_spelled_as_an_app_wants_it():
    assert two_factor.spelled("48656c6c6f21deadbeef") == "JBSW Y3DP EHPK 3PXP"
    assert len(two_factor.new_key()) == 40
