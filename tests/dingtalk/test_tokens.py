"""Tokens: one per app, shared by all threads, renewed before its end and once when refused, and never shown."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ledger.clock import FakeClock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.recording.message import AppName, Chat, RobotCode, Route
from ledger.dingtalk.caller import Caller
from ledger.dingtalk.client import Client
from ledger.dingtalk.tokens import DingTalkToken, DingTalkTokens
from ledger.errors import (
    AddressNotAllowedError,
    CredentialsError,
    PausedError,
    PermissionDeniedError,
    QuotaUsedUpError,
    UnknownAppError,
)
from ledger.settings import Settings
from ledger.simulator import Cut, ScriptedAnswer, Simulator

from .tape import Tape

T = TypeVar("T")
SECRET = "sec-51c0ffee51c0ffee51c0ffee51c0ffee51c0"
SUITE_SECRET = "suite-feedfacefeedfacefeedfacefeedface"
TICKET = "ticket-0badc0de0badc0de0badc0de0badc0de"
INTERNAL, THIRD_PARTY = "/v1.0/oauth2/accessToken", "/v1.0/oauth2/corpAccessToken"
RECALL = "/v1.0/robot/otoMessages/batchRecall"
ROUTE = Route(app=AppName("default"), chat=Chat.ONE_TO_ONE, robot_code=RobotCode("dingbot"))
SUITE = {"suite_key": "suite01", "suite_secret": SUITE_SECRET, "auth_corp_id": "corp01"}

MakeTokens = Callable[..., DingTalkTokens]


def settings_for(simulator: Simulator, **given: Any) -> Settings:
    """Return the settings of one internal app."""
    return Settings.load(**{"api_url": simulator.url, "app_key": "dingapp", "app_secret": SECRET, **given})


@pytest.fixture
def make_tokens(simulator: Simulator, client: Client, clock: FakeClock) -> MakeTokens:
    """A maker of tokens for the app, or for what the settings say."""
    return lambda **given: DingTalkTokens(client, settings_for(simulator, **given), clock)


def at_once(count: int, work: Callable[[], T]) -> list[T]:
    """Do the same in so many threads that all start together."""
    start = threading.Barrier(count)

    def run() -> T:
        start.wait(10)
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(count)]]


def token_of(tokens: DingTalkTokens, app: str = "default") -> DingTalkToken:
    """Return a token that has to be there."""
    token = tokens.get(app)
    assert isinstance(token, DingTalkToken)
    return token


def test_sixteen_threads_share_one_token_that_is_fetched_once(simulator: Simulator, make_tokens: MakeTokens) -> None:
    simulator.world.change(latency_seconds=0.05)
    tokens = make_tokens()
    values = {token.value for token in at_once(16, lambda: token_of(tokens))}
    assert len(values) == 1
    assert len(simulator.world.calls(INTERNAL)) == 1


def test_a_token_is_renewed_five_minutes_before_its_end_and_not_sooner(
    simulator: Simulator, make_tokens: MakeTokens, clock: FakeClock
) -> None:
    tokens = make_tokens()
    first = token_of(tokens)
    clock.sleep(7200 - 300 - 1)
    assert token_of(tokens) is first
    clock.sleep(1)
    assert token_of(tokens) is not first
    assert len(simulator.world.calls(INTERNAL)) == 2


def test_a_renewal_by_many_threads_is_one_call(simulator: Simulator, make_tokens: MakeTokens, clock: FakeClock) -> None:
    tokens = make_tokens()
    token_of(tokens)
    clock.sleep(7200)
    assert len({token.value for token in at_once(8, lambda: token_of(tokens))}) == 1
    assert len(simulator.world.calls(INTERNAL)) == 2


@pytest.mark.parametrize("life", [1, 0, -5, 299, True])
def test_a_token_that_hardly_lives_is_still_used_for_a_second(
    life: int, simulator: Simulator, make_tokens: MakeTokens, clock: FakeClock
) -> None:
    simulator.world.script(ScriptedAnswer(status=200, body={"accessToken": "t1", "expireIn": life}))
    tokens = make_tokens()
    assert token_of(tokens) is token_of(tokens)
    clock.sleep(1)
    assert token_of(tokens).value != "t1"


@pytest.mark.parametrize("life", [float("inf"), 10**300, 10**12])
def test_a_token_is_never_kept_for_more_than_a_day(
    life: float, simulator: Simulator, make_tokens: MakeTokens, clock: FakeClock
) -> None:
    simulator.world.script(ScriptedAnswer(status=200, body={"accessToken": "t1", "expireIn": life}))
    tokens = make_tokens()
    assert token_of(tokens).value == "t1"
    clock.sleep(24 * 3600)
    assert token_of(tokens).value != "t1"


@pytest.mark.parametrize("life", ["7200", "7200.0", None, "soon", [], ""])
def test_a_life_in_another_shape_is_understood_or_taken_for_the_usual_one(
    life: str | list[str] | None, simulator: Simulator, make_tokens: MakeTokens, clock: FakeClock
) -> None:
    simulator.world.script(ScriptedAnswer(status=200, body={"accessToken": "t1", "expireIn": life}))
    tokens = make_tokens()
    assert token_of(tokens).value == "t1"
    clock.sleep(6899)
    assert token_of(tokens).value == "t1"
    clock.sleep(1)
    assert token_of(tokens).value != "t1"


@pytest.mark.parametrize(
    ("errcode", "kind"), [(90020, QuotaUsedUpError), (60020, AddressNotAllowedError), (60011, PermissionDeniedError)]
)
def test_an_error_of_the_older_api_pauses_as_it_would_a_recall(
    errcode: int, kind: type[PausedError], simulator: Simulator, make_tokens: MakeTokens
) -> None:
    simulator.world.script(ScriptedAnswer(status=200, body={"errcode": errcode, "errmsg": "no"}))
    with pytest.raises(kind, match=f"{errcode}: no"):
        make_tokens().get("default")


def test_a_life_that_is_no_number_to_reckon_with_is_short(simulator: Simulator, make_tokens: MakeTokens) -> None:
    simulator.world.script(ScriptedAnswer(status=200, body={"accessToken": "t1", "expireIn": float("nan")}))
    assert token_of(make_tokens()).value == "t1"


def test_a_refusal_that_eight_threads_saw_renews_the_token_once(simulator: Simulator, make_tokens: MakeTokens) -> None:
    tokens = make_tokens()
    refused = token_of(tokens)
    simulator.world.revoke_tokens()

    def refuse_and_get() -> DingTalkToken:
        tokens.refuse("default", refused, "InvalidAuthentication: expired")
        return token_of(tokens)

    renewed = at_once(8, refuse_and_get)
    assert len({token.value for token in renewed}) == 1
    assert renewed[0].value != refused.value
    assert len(simulator.world.calls(INTERNAL)) == 2


def test_calls_with_an_ended_token_renew_it_once_and_then_work(
    simulator: Simulator, client: Client, clock: FakeClock
) -> None:
    settings = settings_for(simulator)
    caller = Caller(client, DingTalkTokens(client, settings, clock), settings)
    keys = simulator.world.make_messages(1, robot_code=ROUTE.robot_code)
    caller.recall(ROUTE, keys)
    simulator.world.revoke_tokens()
    refused = at_once(8, lambda: caller.recall(ROUTE, keys))
    assert {answer.status for answer in refused if isinstance(answer, Answer)} <= {200, 400}
    answer = caller.recall(ROUTE, keys)
    assert isinstance(answer, Answer)
    assert answer.body == {"successResult": keys, "failedResult": {}}
    assert len(simulator.world.calls(INTERNAL)) == 2


def test_the_read_status_is_asked_with_the_token_of_the_app(
    simulator: Simulator, client: Client, clock: FakeClock
) -> None:
    settings = settings_for(simulator)
    caller = Caller(client, DingTalkTokens(client, settings, clock), settings)
    (key,) = simulator.world.make_messages(1, robot_code=ROUTE.robot_code)
    caller.recall(ROUTE, [key])
    simulator.world.revoke_tokens()
    refused, answer = (caller.read_status(ROUTE, key) for _ in range(2))
    assert isinstance(refused, Answer)
    assert refused.status == 400
    assert isinstance(answer, Answer)
    assert answer.body["sendStatus"] == "RECALLED"
    assert len(simulator.world.calls(INTERNAL)) == 2


def test_new_tokens_that_are_refused_as_well_need_a_person(
    simulator: Simulator, client: Client, clock: FakeClock
) -> None:
    simulator.world.change(refuse_tokens=True)
    settings = settings_for(simulator)
    caller = Caller(client, DingTalkTokens(client, settings, clock), settings)
    answers = [caller.recall(ROUTE, ["k"]) for _ in range(2)]
    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [400, 400]
    with pytest.raises(CredentialsError, match=r"LEDGER_API_URL.*`ledger resume`") as caught:
        caller.recall(ROUTE, ["k"])
    assert "InvalidAuthentication" in str(caught.value)
    simulator.world.change(refuse_tokens=False)
    assert isinstance(caller.recall(ROUTE, ["k"]), Answer)


def test_refusals_with_successes_between_them_need_nobody(make_tokens: MakeTokens) -> None:
    tokens = make_tokens()
    for _ in range(10):
        tokens.refuse("default", token_of(tokens), "expired")
        tokens.accept("default")
    assert token_of(tokens)


def test_a_third_party_app_asks_with_its_four_values(simulator: Simulator, make_tokens: MakeTokens, tape: Tape) -> None:
    tokens = make_tokens(apps={"shop": {**SUITE, "suite_ticket": TICKET}})
    assert token_of(tokens, "shop").value
    assert tape.bodies(THIRD_PARTY) == [
        {"suiteKey": "suite01", "suiteSecret": SUITE_SECRET, "authCorpId": "corp01", "suiteTicket": TICKET}
    ]
    assert simulator.world.calls(INTERNAL) == []


def test_the_ticket_is_read_anew_for_each_token(
    make_tokens: MakeTokens, tape: Tape, clock: FakeClock, tmp_path: Path
) -> None:
    ticket = tmp_path / "ticket"
    tokens = make_tokens(apps={"shop": {**SUITE, "suite_ticket_file": ticket}})
    for text in ("first-ticket\n", "second-ticket"):
        ticket.write_text(text, encoding="utf-8")
        token_of(tokens, "shop")
        clock.sleep(7200)
    assert [body["suiteTicket"] for body in tape.bodies(THIRD_PARTY)] == ["first-ticket", "second-ticket"]


def test_a_ticket_that_cannot_be_read_is_named(make_tokens: MakeTokens, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(CredentialsError, match=f"'shop'.*{missing}"):
        make_tokens(apps={"shop": {**SUITE, "suite_ticket_file": missing}}).get("shop")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"suite_key": "s"}, "suiteSecret, authCorpId, suiteTicket"),
        (SUITE, "suiteTicket"),
        ({**SUITE, "suite_ticket": ""}, "suiteTicket"),
    ],
)
def test_what_a_third_party_app_lacks_is_named(given: dict[str, str], named: str, make_tokens: MakeTokens) -> None:
    with pytest.raises(CredentialsError, match=rf"'shop' lacks {named}: add them to \[apps.shop\]"):
        make_tokens(apps={"shop": given}).get("shop")


@pytest.mark.parametrize("given", [{"app_key": None}, {"app_secret": None}, {"app_key": "", "app_secret": ""}])
def test_an_app_without_credentials_says_what_to_set(given: dict[str, Any], make_tokens: MakeTokens) -> None:
    with pytest.raises(CredentialsError, match=r"LEDGER_APP_KEY and LEDGER_APP_SECRET"):
        make_tokens(**given).get("default")


def test_wrong_credentials_stop_the_recall_and_stay_secret(simulator: Simulator, make_tokens: MakeTokens) -> None:
    simulator.world.configure(apps={"dingapp": "another secret"})
    with pytest.raises(CredentialsError, match="invalidClientIdOrSecret") as caught:
        make_tokens().get("default")
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_an_address_that_is_not_allowed_is_said(simulator: Simulator, make_tokens: MakeTokens) -> None:
    simulator.world.script(ScriptedAnswer.error("Forbidden.AccessDenied.IpNotInWhiteList", path=INTERNAL))
    with pytest.raises(AddressNotAllowedError):
        make_tokens().get("default")


@pytest.mark.parametrize("status", [400, 404, 302])
def test_any_other_refusal_names_the_app_and_keeps_the_secret(
    status: int, simulator: Simulator, make_tokens: MakeTokens
) -> None:
    script = ScriptedAnswer(status=status, body={"code": "odd", "message": f"not with {SECRET}"})
    simulator.world.script(script)
    with pytest.raises(CredentialsError, match=r"'default' \(odd: not with \*\*\*\)"):
        make_tokens().get("default")


@pytest.mark.parametrize(
    "script",
    [
        ScriptedAnswer(status=200, body="<html>blocked</html>"),
        ScriptedAnswer(status=200, body={"status": 1111, "wait": 5, "punish": "deny"}),
        ScriptedAnswer(status=200, body={}),
        ScriptedAnswer(status=200, body={"accessToken": "", "expireIn": 7200}),
        ScriptedAnswer(status=200, body={"accessToken": ["t"], "expireIn": 7200}),
        ScriptedAnswer(status=200, body={"accessToken": "t\u00f6ken", "expireIn": 7200}),
        ScriptedAnswer(status=200, body={"accessToken": "to\nken", "expireIn": 7200}),
        ScriptedAnswer(status=200, body={"errcode": 88, "errmsg": "ding talk error"}),
        ScriptedAnswer.error("system.error"),
        ScriptedAnswer.error("ServiceUnavailable"),
        ScriptedAnswer.error("system.busy"),
        ScriptedAnswer.error("Forbidden.AccessDenied.QpsLimitForApi"),
        ScriptedAnswer(cut=Cut.BEFORE_WORK),
        ScriptedAnswer(cut=Cut.AFTER_WORK),
        ScriptedAnswer(cut=Cut.MID_BODY),
    ],
)
def test_without_a_token_nothing_was_sent_and_the_next_try_may_work(
    script: ScriptedAnswer, simulator: Simulator, client: Client, clock: FakeClock
) -> None:
    settings = settings_for(simulator)
    caller = Caller(client, DingTalkTokens(client, settings, clock), settings)
    simulator.world.script(script)
    answer = caller.recall(ROUTE, ["k"])
    assert isinstance(answer, NoAnswer)
    assert not answer.sent
    assert answer.reason.startswith("no access token: ")
    assert simulator.world.calls(RECALL) == []
    assert caller.prepare(ROUTE.app) is None
    assert isinstance(caller.recall(ROUTE, ["k"]), Answer)


def test_a_token_that_came_in_odd_clothes_is_not_shown(simulator: Simulator, make_tokens: MakeTokens) -> None:
    token = "tok-9f8a7c6e5d4b3a29180f7e6d5c4b3a29"
    bodies: list[Any] = [
        '\ufeff{"accessToken": "' + token + '"}',
        {"accessToken": [token]},
        {"a": {"accessToken": token}},
    ]
    for body in bodies:
        simulator.world.script(ScriptedAnswer(status=200, body=body))
        assert token not in repr(make_tokens().get("default"))


def test_each_app_has_a_token_of_its_own(make_tokens: MakeTokens, tape: Tape) -> None:
    apps = {"hr": {"app_key": "hrapp", "app_secret": SECRET}, "it": {"app_key": "itapp", "app_secret": SECRET}}
    tokens = make_tokens(apps=apps)
    values = {token_of(tokens, app).value for app in ("default", "hr", "it", "hr")}
    assert len(values) == 3
    assert [body["appKey"] for body in tape.bodies(INTERNAL)] == ["dingapp", "hrapp", "itapp"]


def test_an_app_that_is_not_configured_is_named(make_tokens: MakeTokens) -> None:
    with pytest.raises(UnknownAppError, match=r"'nobody'.*\[apps.nobody\]"):
        make_tokens().get("nobody")


def test_neither_a_token_nor_a_secret_shows_in_a_representation(
    simulator: Simulator, client: Client, clock: FakeClock
) -> None:
    settings = settings_for(simulator, apps={"shop": {**SUITE, "suite_ticket": TICKET}})
    tokens = DingTalkTokens(client, settings, clock)
    token = token_of(tokens)
    shown = repr(token) + str(token) + repr(tokens) + repr(Caller(client, tokens, settings)) + repr(settings)
    for secret in (token.value, SECRET, SUITE_SECRET, TICKET):
        assert secret not in shown
