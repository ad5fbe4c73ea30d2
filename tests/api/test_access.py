"""Who comes in: tokens, sessions, this machine alone; and what every answer carries."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.errors import InputError
from ledger.services.access.lockout import MOST_IN_ALL, MOST_OF_ONE_ADDRESS
from ledger.services.access.sign_in_links import VALID_FOR
from ledger.services.access.tokens import digest_of
from tests.outages import away

from .conftest import ServeLedger, Service

SEEN = "/v1/campaigns"


@contextmanager
def signed_in(service: Service, secret: str) -> Iterator[httpx.Client]:
    with service.client(follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"token": secret}).status_code == 303
        yield browser


def test_this_machine_is_let_in_as_long_as_there_is_no_token(service: Service) -> None:
    with service.client() as anybody:
        assert anybody.get(SEEN).status_code == 200
        service.token(Role.AUDITOR)
        refused = anybody.get(SEEN)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"


def test_a_proxy_in_front_is_not_this_machine(service: Service) -> None:
    with service.client(headers={"X-Forwarded-For": "203.0.113.9"}) as through:
        assert through.get(SEEN).status_code == 401


def test_a_service_that_others_can_reach_lets_nobody_in_without_a_token(serve_ledger: ServeLedger) -> None:
    for service in (serve_ledger(is_open=False), serve_ledger(allowed_hosts=("ledger.example",))):
        with service.client() as anybody:
            assert anybody.get(SEEN).status_code == 401


def test_a_token_works_until_it_is_revoked(service: Service) -> None:
    with service.signed_up(Role.AUDITOR, name="ann") as ann:
        assert ann.get(SEEN).status_code == 200
        service.book.parts.service_tokens.revoke("ann", actor="tester")
        assert ann.get(SEEN).json()["code"] == "unauthenticated"


@pytest.mark.parametrize("name", ["ann", "Ann", "аnn", "a n n"])
def test_no_two_tokens_that_work_look_alike(service: Service, name: str) -> None:
    service.token(Role.AUDITOR, name="ann")
    with pytest.raises(InputError, match="works already"):
        service.token(Role.AUDITOR, name=name)
    service.book.parts.service_tokens.revoke("ann", actor="tester")
    service.token(Role.AUDITOR, name=name)


def test_the_first_token_of_a_system_whose_user_is_called_worker_has_another_name(service: Service) -> None:
    made = service.book.parts.service_tokens.create_first(actor="worker")
    assert made is not None
    assert made.token.name == "admin"


@pytest.mark.parametrize("name", ["worker", "The Ledger", "\u3164", "a\u202eb"])
def test_no_token_nor_owner_is_called_as_nobody_can_be(service: Service, name: str) -> None:
    with pytest.raises(InputError):
        service.token(Role.AUDITOR, name=name)
    with pytest.raises(InputError):
        service.book.parts.service_tokens.create("ann", Role.AUDITOR, owner=name, actor="tester")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ledger_unknown", "Bearer \xff", "ledger_x"])
def test_what_is_no_token_is_refused(service: Service, header: str) -> None:
    with service.client(headers={"Authorization": header.encode("latin-1")}) as client:
        assert client.get(SEEN).status_code == 401


def test_the_last_use_of_a_token_is_noted_at_most_once_a_minute(service: Service, clock: FakeClock) -> None:
    def last_use() -> object:
        return service.book.parts.service_tokens.listed()[0].last_used_at

    with service.signed_up(Role.AUDITOR) as ann:
        assert last_use() is None
        ann.get(SEEN)
        first = last_use()
        assert first == clock.now()
        clock.advance(timedelta(seconds=59))
        ann.get(SEEN)
        assert last_use() == first
        clock.advance(timedelta(seconds=2))
        ann.get(SEEN)
        assert last_use() == clock.now()


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(service: Service) -> None:
    with service.client(follow_redirects=False) as browser:
        answer = browser.post("/sign-in", data={"token": service.token(Role.OPERATOR), "next": "/recalls/7"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/recalls/7")
        cookie = answer.headers["set-cookie"]
        assert re.search(r"HttpOnly.*SameSite=strict", cookie)
        assert browser.get(SEEN).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_signing_in_never_leads_to_another_site(service: Service, elsewhere: str) -> None:
    with service.client(follow_redirects=False) as browser:
        answer = browser.post("/sign-in", data={"token": service.token(Role.OPERATOR), "next": elsewhere})
    assert answer.headers["location"] == "/"


def test_a_session_ends_by_signing_out_by_time_and_by_revocation(service: Service, clock: FakeClock) -> None:
    secret = service.token(Role.OPERATOR, name="ann")
    with signed_in(service, secret) as browser, signed_in(service, secret) as phone:
        copied = dict(browser.cookies)
        assert browser.post("/sign-out").headers["location"] == "/sign-in"
        with service.client(cookies=copied) as thief:
            assert thief.get(SEEN).status_code == 401
        assert phone.get(SEEN).status_code == 200
        service.book.parts.service_tokens.revoke("ann", actor="tester")
        assert phone.get(SEEN).status_code == 401
    with signed_in(service, service.token(Role.OPERATOR, name="bob")) as browser:
        clock.advance(timedelta(hours=11, minutes=59))
        assert browser.get(SEEN).status_code == 200
        clock.advance(timedelta(minutes=2))
        assert browser.get(SEEN).status_code == 401


def test_wrong_tokens_are_tried_a_few_times_only(service: Service, clock: FakeClock) -> None:
    with service.client() as browser:
        for _ in range(MOST_OF_ONE_ADDRESS):
            assert browser.post("/sign-in", data={"token": "wrong"}).status_code == 401
        refused = browser.post("/sign-in", data={"token": "wrong"})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert "retry-after" in refused.headers
        clock.advance(timedelta(minutes=6))
        assert browser.post("/sign-in", data={"token": "wrong"}).status_code == 401


def test_a_right_token_gets_in_whatever_others_tried_from_the_same_address_and_from_everywhere(
    service: Service,
) -> None:
    good = service.token(Role.OPERATOR)
    for number in range(MOST_IN_ALL):
        service.app.state.attempts.was_wrong("127.0.0.1" if number < MOST_OF_ONE_ADDRESS else f"198.51.100.{number}")
    with service.client() as browser:
        assert browser.post("/sign-in", data={"token": "wrong"}).status_code == 429
        assert browser.post("/sign-in", data={"token": good}).status_code == 303
    with service.client(good) as program:
        assert program.get(SEEN).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_before_sign_in_no_error_says_where_the_database_is(serve_ledger: ServeLedger, accept: str) -> None:
    service = serve_ledger(database_patience_seconds=0)
    secret = service.token(Role.ADMIN)
    url = service.book.parts.database.url
    # The file of SQLite; the name, the host and the user of PostgreSQL.
    told = [str(part) for part in (url.database, url.host, url.username) if part]
    with away(service.book), service.client(headers={"Accept": accept}) as stranger:
        answers = [
            stranger.get("/"),
            stranger.get(SEEN),
            stranger.get(SEEN, headers={"Authorization": f"Bearer {secret}"}),
            stranger.get("/", headers={"Cookie": "ledger-session=of-nobody"}),
            stranger.post("/sign-in", data={"token": secret}),
            stranger.get("/metrics", headers={"Authorization": f"Bearer {secret}"}),
            stranger.get("/readyz"),
        ]
    assert {answer.status_code for answer in answers} == {503}
    assert [part for part in told for answer in answers if part in answer.text] == []
    assert all("LEDGER_DATABASE_URL" not in answer.text for answer in answers)


def linked(service: Service) -> str:
    """Return the page of a link that signs in with the first token."""
    first = service.book.parts.service_tokens.create_first(actor="ann")
    assert first is not None
    return f"/sign-in?once={service.app.state.sign_in_links.make(first.secret)}"


def test_a_link_signs_in_once(service: Service) -> None:
    link = linked(service)
    with service.client() as browser, service.client(headers={"Accept": "text/html"}) as another:
        answer = browser.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert re.search(r"HttpOnly.*SameSite=strict", answer.headers["set-cookie"])
        assert browser.get(SEEN).status_code == 200
        late = another.get(link)
        assert (late.status_code, "used already" in late.text) == (401, True)
        assert another.get(SEEN).status_code == 401


def test_another_language_on_the_page_of_a_link_that_is_over_tries_it_no_second_time(service: Service) -> None:
    page = service.client(headers={"Accept": "text/html", "Accept-Language": "en"}, follow_redirects=True)
    with page as browser:
        for _ in range(MOST_OF_ONE_ADDRESS):
            answer = browser.get("/sign-in?next=/recalls&once=over")
            (back,) = re.findall(r'action="/language">\s*<input type="hidden" name="next" value="([^"]*)"', answer.text)
            assert back == "/sign-in?next=%2Frecalls"
        chosen = browser.post("/language", data={"language": "zh", "next": html.unescape(back)})
        assert (chosen.status_code, '<html lang="zh' in chosen.text) == (200, True)


def test_another_language_on_an_answer_to_a_form_leads_to_the_page_of_the_form(service: Service) -> None:
    for referer, back in (
        (f"{service.url}/sign-in?next=/recalls&once=over", "/sign-in?next=%2Frecalls"),
        ("https://evil.example/recalls", "/"),
        (None, "/"),
    ):
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", **({"Referer": referer} if referer else {})}
        with service.client(headers=headers) as browser:
            answer = browser.post("/sign-in", data={"token": "wrong", "next": "/recalls"})
        assert f'name="next" value="{back}">' in answer.text


def test_a_star_in_a_campaign_of_a_token_stands_at_the_end_of_a_beginning(service: Service) -> None:
    create = service.book.parts.service_tokens.create
    for campaign, said in (("a*b", "no beginning"), ("a**", "no beginning"), ("*", "every campaign"), (" ", "empty")):
        with pytest.raises(InputError, match=said):
            create("ann", Role.OPERATOR, campaigns=[campaign], actor="tester")
    assert create("ann", Role.OPERATOR, campaigns=["a-*", "b"], actor="tester").token.campaigns == ("a-*", "b")


def test_a_link_is_short_lived_and_opens_nothing_once_its_token_is_revoked(service: Service, clock: FakeClock) -> None:
    link = linked(service)
    clock.advance(VALID_FOR + timedelta(seconds=1))
    with service.client() as browser:
        assert browser.get(link).status_code == 401
        secret = service.token(Role.ADMIN, name="bob")
        anew = f"/sign-in?once={service.app.state.sign_in_links.make(secret)}"
        service.book.parts.service_tokens.revoke("bob", actor="tester")
        assert browser.get(anew).status_code == 401
        # A token has no place in an address.
        assert browser.get(f"/sign-in?once={service.token(Role.ADMIN, name='carol')}").status_code == 401


def test_a_link_is_not_used_up_while_the_database_is_away(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(database_patience_seconds=0)
    link = linked(service)
    with service.client() as browser:
        with away(service.book):
            assert browser.get(link).status_code == 503
        assert browser.get(link).status_code == 303


def test_wrong_links_are_tried_a_few_times_only_and_the_right_one_works_all_the_same(service: Service) -> None:
    link = linked(service)
    with service.client() as browser:
        tries = [browser.get("/sign-in?once=wrong").status_code for _ in range(MOST_OF_ONE_ADDRESS + 1)]
        assert tries == [401] * MOST_OF_ONE_ADDRESS + [429]
        assert browser.get(link).status_code == 303


def test_a_first_token_is_made_where_there_was_never_one(service: Service) -> None:
    tokens = service.book.parts.service_tokens
    first = tokens.create_first(actor="ann" * 30)
    assert first is not None
    assert (first.token.role, len(first.token.name)) == (Role.ADMIN, 64)
    tokens.revoke(first.token.name, actor="tester")
    assert tokens.create_first(actor="bob") is None
    assert [one.created_by for one in tokens.listed()] == ["ann" * 30]


def test_a_first_token_needs_a_name_that_the_history_can_keep(service: Service) -> None:
    with pytest.raises(InputError, match="needs a name"):
        service.book.parts.service_tokens.create_first(actor="\x1b")


def test_the_database_knows_no_secret(service: Service) -> None:
    secret = service.token(Role.OPERATOR)
    with signed_in(service, secret) as browser:
        held = browser.cookies["ledger-session"]
    with service.book.parts.database.read() as connection:
        stored = repr(connection.exec_driver_sql("SELECT * FROM tokens").all())
        stored += repr(connection.exec_driver_sql("SELECT * FROM sessions").all())
        stored += repr(connection.exec_driver_sql("SELECT detail FROM history").all())
    assert secret not in stored
    assert held not in stored
    assert digest_of(f"form:{held}") not in stored


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "localhost.evil"])
def test_a_name_that_is_not_ours_is_refused(service: Service, host: str) -> None:
    with service.client(headers={"Host": host}) as lured:
        answer = lured.get(SEEN)
    assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8400", "[::1]:8400", "ledger.example", "LEDGER.example.:443"])
def test_addresses_and_names_of_ours_are_answered(serve_ledger: ServeLedger, host: str) -> None:
    with serve_ledger(allowed_hosts="ledger.example, other.example").client(headers={"Host": host}) as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", SEEN, "/openapi.json"])
def test_every_answer_carries_the_headers_of_a_cautious_site(service: Service, path: str) -> None:
    with service.client() as client:
        for answer in (client.get(path), client.delete(path), client.get(path, headers={"Host": "evil.example"})):
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "server" not in answer.headers
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert set(answer.json()) >= {"type", "title", "status", "detail", "code"}
