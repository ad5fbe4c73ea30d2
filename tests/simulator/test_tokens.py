"""Who gets a token, how long it lives, and what a call without a living one is answered."""

import pytest

from ledger.simulator import Behaviour, Reply

from .worlds import Caller, code_of

INTERNAL = "/v1.0/oauth2/accessToken"
CORPORATE = "/v1.0/oauth2/corpAccessToken"


def ask(caller: Caller, app: object = "app", word: object = "s") -> Reply:
    """Ask for the token of an internal app."""
    return caller.post(INTERNAL, {"appKey": app, "appSecret": word})


def ask_corporate(caller: Caller, **changes: object) -> Reply:
    """Ask for the token of a third-party app."""
    fields = {"suiteKey": "suite", "suiteSecret": "s", "authCorpId": "corp", "suiteTicket": "ticket"}
    return caller.post(CORPORATE, {**fields, **changes})


def test_asking_again_within_its_life_returns_the_same_token_with_its_whole_life() -> None:
    caller = Caller()
    first = ask(caller).json()
    caller.clock.advance(7199)
    assert ask(caller).json() == first == {"accessToken": first["accessToken"], "expireIn": 7200}


def test_a_token_can_keep_its_first_end() -> None:
    caller = Caller(Behaviour(token_renews_itself=False))
    first = ask(caller).json()
    caller.clock.advance(7000)
    assert ask(caller).json() == {**first, "expireIn": 200}


def test_after_its_life_there_is_a_new_token() -> None:
    caller = Caller()
    first = ask(caller).json()["accessToken"]
    caller.clock.advance(7200)
    assert ask(caller).json()["accessToken"] != first


def test_a_third_party_app_gets_a_new_token_each_time_and_both_work() -> None:
    caller = Caller()
    tokens = [ask_corporate(caller).json()["accessToken"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    for caller.token in tokens:
        assert caller.recall(caller.keys()).status == 200


@pytest.mark.parametrize(("app", "secret"), [("", "s"), ("app", ""), (None, "s"), (7, "s")])
def test_empty_credentials_are_always_wrong(app: object, secret: object) -> None:
    assert code_of(ask(Caller(), app, secret)) == (400, "invalidClientIdOrSecret")


def test_configured_apps_are_the_only_ones() -> None:
    caller = Caller(apps={"app": "right", "dingapp": "d"})
    assert code_of(ask(caller, "app", "wrong")) == (400, "invalidClientIdOrSecret")
    assert code_of(ask(caller, "other", "right")) == (400, "invalidClientIdOrSecret")
    assert ask(caller, "app", "right").status == 200


def test_a_third_party_app_needs_organisation_ticket_and_secret() -> None:
    caller = Caller()
    assert code_of(ask_corporate(caller, suiteTicket="")) == (400, "invalidParameter.param.invalid")
    assert code_of(ask_corporate(caller, authCorpId=None)) == (400, "invalidParameter.param.invalid")
    assert code_of(ask_corporate(caller, suiteSecret="")) == (400, "invalidClientIdOrSecret")


@pytest.mark.parametrize("token", ["", "never-was"])
def test_a_call_without_a_token_is_answered_400(token: str) -> None:
    caller = Caller()
    caller.token = token
    assert code_of(caller.recall(["k"])) == (400, "InvalidAuthentication")


def test_an_expired_token_can_be_answered_401() -> None:
    caller = Caller(Behaviour(bad_token_status=401, bad_token_code="invalidAccessToken"))
    caller.clock.advance(7200)
    assert code_of(caller.recall(["k"])) == (401, "invalidAccessToken")


def test_revoked_tokens_end_before_their_time_and_a_new_one_works() -> None:
    caller = Caller()
    assert caller.world.revoke_tokens() == 1
    assert code_of(caller.recall(["k"])) == (400, "InvalidAuthentication")
    caller.token = ask(caller).json()["accessToken"]
    assert caller.recall(caller.keys()).status == 200


def test_every_token_can_be_refused() -> None:
    caller = Caller(Behaviour(refuse_tokens=True))
    caller.token = ask(caller).json()["accessToken"]
    assert code_of(caller.recall(["k"])) == (400, "InvalidAuthentication")
