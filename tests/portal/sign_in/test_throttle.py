"""Who guesses passwords is held up; who merely forgot one is not left standing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth import SESSION_KEY
from django.test import Client, RequestFactory

from accounts.models import FailureCount
from accounts.typed import mail, text
from smartplus import throttle
from tests.mails import sent
from tests.people import NOW, PASSWORD
from tests.portal.html import assert_clean, form_in

pytestmark = pytest.mark.django_db
WRONG = "wrong horse battery"
NEW = "staple battery horse"


def knock(email, password=WRONG, **extra):
    client = Client()
    return client, client.post("/sign-in/", {"username": email, "password": password}, **extra)


def test_what_a_try_is_counted_by_is_found_once(people, monkeypatch):
    found = []

    def noted(email):
        found.append(email)
        return mail.key(email)

    monkeypatch.setattr(throttle, "_key", noted)
    for typed in ("Dora@Nordlys.example", "\ufdfa" * 50_000):
        assert knock(typed)[1].status_code == 200
        assert found
        assert len(found) == len(set(found))
        found.clear()


@pytest.mark.parametrize(
    ("path", "name"), [("/sign-in/", "username"), ("/password-reset/", "email"), ("/sign-in/link/", "email")]
)
def test_nobody_makes_us_fold_what_is_endless(db, monkeypatch, path, name):
    cleaned, code = [], text.code

    def noted(typed):
        cleaned.append(len(typed))
        return code(typed)

    monkeypatch.setattr(text, "code", noted)
    Client().post(path, {name: "\ufdfa" * 50_000, "password": WRONG})
    assert max(cleaned, default=0) <= 4 * mail.LONGEST


def lock(email, **extra):
    return [knock(email, **extra)[1].status_code for _ in range(5)]


def test_the_fifth_wrong_password_locks_and_even_the_right_one_has_to_wait(people):
    assert lock("Dora@Nordlys.example") == [200, 200, 200, 200, 429]
    client, response = knock(people.dora.email, PASSWORD)
    assert response.status_code == 429
    assert SESSION_KEY not in client.session
    assert "rests for 15 minutes" in response.content.decode()
    assert 0 < int(response["Retry-After"]) <= 901
    assert '<a class="b lg w" href="/password-reset/">' in response.content.decode()
    assert_clean(response.content)


def test_the_locked_page_is_the_same_for_known_and_unknown_addresses(people):
    pages = []
    with time_machine.travel(NOW, tick=False):
        for email in (people.dora.email, "nobody@nordlys.example"):
            assert lock(email) == [200, 200, 200, 200, 429]
            for password in (WRONG, PASSWORD):
                response = knock(email, password)[1]
                pages.append(
                    (response.status_code, response["Retry-After"], without_tokens(response).replace(email, ""))
                )
    assert len(set(pages)) == 1


def without_tokens(response) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())


def test_after_a_quarter_of_an_hour_one_may_try_again_however_often_one_tried_meanwhile(people):
    with time_machine.travel(NOW, tick=False) as clock:
        lock(people.dora.email)
        clock.shift(timedelta(minutes=14))
        response = knock(people.dora.email, PASSWORD)[1]
        assert response.status_code == 429
        assert "rests for 1 minute." in response.content.decode()
        clock.shift(timedelta(minutes=1, seconds=1))
        assert knock(people.dora.email, PASSWORD)[1].status_code == 302


def test_signing_in_forgets_the_wrong_ones_before(people):
    for _ in range(2):
        assert [knock(people.dora.email)[1].status_code for _ in range(4)] == [200] * 4
        assert knock(people.dora.email, PASSWORD)[1].status_code == 302
    assert not AccessAttempt.objects.exists()


def test_somebody_elses_guesses_elsewhere_do_not_lock_dora_out(people):
    lock(people.dora.email, REMOTE_ADDR="203.0.113.9")
    assert knock(people.dora.email, PASSWORD, REMOTE_ADDR="198.51.100.7")[1].status_code == 302
    assert knock(people.sam.email, PASSWORD, REMOTE_ADDR="203.0.113.9")[1].status_code == 302


def test_another_browser_is_no_way_around(people):
    codes = [
        knock(people.dora.email, headers={"user-agent": f"browser {number}"})[1].status_code for number in range(6)
    ]
    assert codes == [200, 200, 200, 200, 429, 429]


def test_a_new_password_by_mail_opens_the_door_at_once(people):
    lock(people.dora.email)
    client = Client()
    client.post("/password-reset/", {"email": people.dora.email})
    (link,) = re.findall(r"^http://testserver(/password-reset/\S+)$", str(sent()[0].body), re.M)
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
    assert knock(people.dora.email, NEW)[1].status_code == 302


def test_what_is_kept_of_a_try_holds_no_password_and_no_token(people):
    lock(people.dora.email)
    (row,) = AccessAttempt.objects.all()
    assert (row.username, row.ip_address, row.failures_since_start) == (people.dora.email, "127.0.0.1", 5)
    for kept in (row.get_data, row.post_data):
        assert WRONG not in kept
        assert "horse" not in kept
    assert not AccessFailureLog.objects.exists()
    assert not AccessLog.objects.exists()


def test_an_address_with_a_null_byte_is_refused_like_any_other(people):
    assert knock("dora\0@nordlys.example")[1].status_code == 200


# --- where a request comes from -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "remote", "address"),
    [
        (False, "", "203.0.113.9", "203.0.113.9"),
        (False, "198.51.100.7", "203.0.113.9", "203.0.113.9"),  # nobody vouches for the header
        (True, "198.51.100.7", "10.0.0.1", "198.51.100.7"),
        (True, "1.2.3.4, 198.51.100.7", "10.0.0.1", "198.51.100.7"),  # the first entry is the client's claim
        (True, "198.51.100.7, nonsense", "10.0.0.1", "10.0.0.1"),
        (True, "", "10.0.0.1", "10.0.0.1"),
        (False, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (False, "", "::ffff:203.0.113.9", "203.0.113.9"),
        (False, "", "", None),
    ],
)
def test_only_our_own_proxy_is_believed(settings, behind_proxy, forwarded, remote, address):
    settings.BEHIND_PROXY = behind_proxy
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {}, REMOTE_ADDR=remote)
    assert throttle.client_address(request) == address


def test_behind_the_proxy_a_forged_header_is_no_way_around(people, settings):
    settings.BEHIND_PROXY = True
    codes = [
        knock(people.dora.email, headers={"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.7"})[1].status_code
        for number in range(6)
    ]
    assert codes == [200, 200, 200, 200, 429, 429]
    assert knock(people.dora.email, PASSWORD, headers={"X-Forwarded-For": "198.51.100.8"})[1].status_code == 302


# --- password mails -----------------------------------------------------------------------------------------------------------


def test_nobodys_mailbox_is_flooded_and_the_answer_never_changes(people):
    with time_machine.travel(NOW, tick=False) as clock:
        answers = {
            (response.status_code, response["Location"])
            for _ in range(5)
            for response in [Client().post("/password-reset/", {"email": "PETRA@holm.example"})]
        }
        assert answers == {(302, "/password-reset/sent/")}
        assert len(sent()) == 3
        Client().post("/password-reset/", {"email": people.dora.email})
        assert len(sent()) == 4
        clock.shift(timedelta(minutes=15))
        Client().post("/password-reset/", {"email": people.petra.email})
        assert len(sent()) == 5


def test_asking_for_mails_does_not_lock_the_sign_in(people):
    for _ in range(6):
        Client().post("/password-reset/", {"email": people.petra.email})
    assert knock(people.petra.email, PASSWORD)[1].status_code == 302


# --- from one network over all names, and for one account over all networks ---------------------------------------------------


def way_in(email):
    (path,) = re.findall(r"^http://testserver(/sign-in/link/\S+)$", str(sent()[-1].body), re.M)
    return path


def test_one_network_that_tries_many_names_rests(people):
    with time_machine.travel(NOW, tick=False) as clock:
        codes = [knock(f"nobody{number}@x.example")[1].status_code for number in range(31)]
        assert codes == [200] * 30 + [429]
        answer = knock(people.dora.email, PASSWORD)[1]
        assert answer.status_code == 429
        assert "failed from your network" in answer.content.decode()
        assert answer["Retry-After"] == "61"
        assert_clean(answer.content)
        assert knock(people.dora.email, PASSWORD, REMOTE_ADDR="198.51.100.7")[1].status_code == 302
        clock.shift(timedelta(minutes=1))
        assert knock(people.dora.email, PASSWORD)[1].status_code == 302


def test_a_right_password_counts_for_nothing_and_clears_nothing(people):
    with time_machine.travel(NOW, tick=False):
        for number in range(29):
            knock(f"nobody{number}@x.example")
        for _ in range(3):
            assert knock(people.mallory.email, PASSWORD)[1].status_code == 302  # an own account clears no count
        assert [knock(f"more{number}@x.example")[1].status_code for number in range(2)] == [200, 429]


def test_many_addresses_of_one_ipv6_network_are_one(people):
    with time_machine.travel(NOW, tick=False):
        codes = [
            knock(f"nobody{number}@x.example", REMOTE_ADDR=f"2001:db8:1:2::{number:x}")[1].status_code
            for number in range(31)
        ]
        assert codes == [200] * 30 + [429]
        assert knock(people.dora.email, PASSWORD, REMOTE_ADDR="2001:db8:1:3::1")[1].status_code == 302


@pytest.mark.parametrize("email", ["dora@nordlys.example", "nobody@nordlys.example"])
def test_one_account_tried_from_many_networks_rests_longer_and_longer(people, email):
    with time_machine.travel(NOW, tick=False) as clock:
        codes = [knock(email, REMOTE_ADDR=f"203.0.113.{number}")[1].status_code for number in range(21)]
        assert codes == [200] * 20 + [429]
        clock.shift(timedelta(minutes=29))
        assert knock(email, REMOTE_ADDR="198.51.100.7")[1].status_code == 429
        clock.shift(timedelta(minutes=1))
        codes = [knock(email, REMOTE_ADDR=f"198.51.100.{number}")[1].status_code for number in range(2)]
        assert codes == [200, 429]  # one more each half hour
        assert knock(people.sam.email, PASSWORD, REMOTE_ADDR="198.51.100.7")[1].status_code == 302


def test_the_page_of_a_tried_account_is_the_same_for_known_and_unknown_ones(people):
    pages = []
    with time_machine.travel(NOW, tick=False):
        for email in (people.dora.email, "nobody@nordlys.example"):
            for number in range(20):
                knock(email, REMOTE_ADDR=f"203.0.113.{number}")
            answer = knock(email, PASSWORD, REMOTE_ADDR="198.51.100.7")[1]
            pages.append((answer.status_code, answer["Retry-After"], without_tokens(answer).replace(email, "")))
    assert pages[0] == pages[1]


def test_the_owner_gets_in_by_mail_with_the_password_once(people):
    with time_machine.travel(NOW, tick=False):
        for number in range(20):
            knock(people.dora.email, REMOTE_ADDR=f"203.0.113.{number}")
        client, locked = knock(people.dora.email, PASSWORD)
        assert locked.status_code == 429
        form = form_in(locked.content, "email")
        assert form["email"] == people.dora.email
        assert client.post("/sign-in/link/", form)["Location"] == "/sign-in/link/sent/"
        (mail,) = sent()
        assert mail.to == [people.dora.email]
        link = way_in(people.dora.email)
        assert_clean(client.get(link).content)
        assert knock(people.dora.email, PASSWORD)[1].status_code == 429  # another browser, and nothing used by looking
        onward = client.post(link)
        assert onward["Location"] == "/sign-in/?email=dora%40nordlys.example"
        assert f'value="{people.dora.email}"' in client.get(onward["Location"]).content.decode()
        for again in (Client().get(link), Client().post(link)):
            assert again.status_code == 410
        assert client.post("/sign-in/", {"username": people.sam.email, "password": WRONG}).status_code == 200
        answer = client.post("/sign-in/", {"username": people.dora.email, "password": PASSWORD})
        assert answer.status_code == 302
        assert SESSION_KEY in client.session


def test_the_way_in_opens_the_lock_of_the_pair_and_ends_after_five_more(people):
    with time_machine.travel(NOW, tick=False):
        lock(people.dora.email)
        client = Client()
        client.post("/sign-in/link/", {"email": people.dora.email})
        client.post(way_in(people.dora.email))
        tries = [
            client.post("/sign-in/", {"username": people.dora.email, "password": WRONG}).status_code for _ in range(6)
        ]
        assert tries == [200, 200, 200, 200, 429, 429]


def test_the_way_in_is_short_lived(people):
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(20):
            knock(people.dora.email, REMOTE_ADDR=f"203.0.113.{number}")
        client = Client()
        client.post("/sign-in/link/", {"email": people.dora.email})
        link = way_in(people.dora.email)
        clock.shift(timedelta(minutes=30))
        assert client.post(link).status_code == 410
        for number in range(2):  # what has leaked out meanwhile
            knock(people.dora.email, REMOTE_ADDR=f"203.0.113.{number}")
        client.post("/sign-in/link/", {"email": people.dora.email})
        client.post(way_in(people.dora.email))
        clock.shift(timedelta(minutes=15))
        assert client.post("/sign-in/", {"username": people.dora.email, "password": PASSWORD}).status_code == 429


def test_asking_for_a_way_in_tells_nobody_apart_and_floods_nobody(people):
    answers = set()
    for email in ("nobody@nordlys.example", *[people.dora.email] * 5):
        answer = Client().post("/sign-in/link/", {"email": email})
        answers.add((answer.status_code, answer["Location"], answer.content))
    assert len(answers) == 1
    assert [mail.to for mail in sent()] == [[people.dora.email]] * 3
    assert Client().post("/password-reset/", {"email": people.dora.email}).status_code == 302
    assert len(sent()) == 4  # counted apart


def test_a_new_password_by_mail_passes_the_network_too(people):
    with time_machine.travel(NOW, tick=False):
        for number in range(30):
            knock(f"nobody{number}@x.example")
        client = Client()
        client.post("/password-reset/", {"email": people.dora.email})
        (link,) = re.findall(r"^http://testserver(/password-reset/\S+)$", str(sent()[0].body), re.M)
        form = client.get(link, follow=True)
        client.post(form.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
        assert client.post("/sign-in/", {"username": people.dora.email, "password": NEW}).status_code == 302


def test_what_is_counted_names_nobody(people):
    knock(people.dora.email)
    keys = " ".join(FailureCount.objects.values_list("key", flat=True))
    assert len(keys.split()) == 4
    assert "dora" not in keys
