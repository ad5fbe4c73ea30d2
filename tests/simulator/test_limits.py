"""Rates, quotas, bans and permissions."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.simulator import BanForm, Behaviour, Reply

from .worlds import OTO_RECALL, Caller, code_of

QPS = (403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi")
QUOTA = (403, "Forbidden.AccessDenied.ApiCountLimitForOrg")


def test_the_twenty_first_call_within_a_second_is_throttled_with_403() -> None:
    caller = Caller()
    keys = caller.keys()
    assert [caller.recall(keys).status for _ in range(20)] == [200] * 20
    caller.clock.advance(0.999999)
    assert code_of(caller.recall(keys)) == QPS
    caller.clock.advance(0.000001)
    assert caller.recall(keys).status == 200


def test_the_rate_is_counted_per_app_and_per_path() -> None:
    caller = Caller(Behaviour(calls_per_second=1))
    keys = caller.keys()
    assert caller.recall(keys).status == 200
    assert caller.send().status == 200
    assert code_of(caller.recall(keys)) == QPS
    caller.token = caller.world.issue_token("another")
    assert caller.recall(keys).status == 200


def test_the_rate_limit_can_be_switched_off() -> None:
    caller = Caller(Behaviour(calls_per_second=None))
    keys = caller.keys()
    assert {caller.recall(keys).status for _ in range(50)} == {200}


@given(st.lists(st.floats(min_value=0, max_value=0.7), min_size=1, max_size=80), st.integers(1, 5))
def test_no_window_of_one_second_ever_holds_more_than_the_limit(gaps: list[float], limit: int) -> None:
    caller = Caller(Behaviour(calls_per_second=limit))
    keys = caller.keys()
    served = []
    for gap in gaps:
        caller.clock.advance(gap)
        if caller.recall(keys).status == 200:
            served.append(caller.clock())
    for start in served:
        assert sum(start <= time < start + timedelta(seconds=1) for time in served) <= limit


def test_the_quota_counts_sends_recalls_and_reads_but_no_tokens_and_nothing_throttled() -> None:
    caller = Caller(Behaviour(monthly_quota=4, calls_per_second=2))
    keys = caller.keys()
    caller.post("/v1.0/oauth2/accessToken", {"appKey": "a", "appSecret": "s"})
    assert [caller.recall(keys).status for _ in range(3)] == [200, 200, 403]
    assert caller.send().status == 200
    assert caller.get("/v1.0/robot/oToMessages/readStatus").status == 400
    assert code_of(caller.send()) == QUOTA
    assert caller.world.counts()["quota_used"] == [{"organisation": "own", "month": "2026-03", "used": 4}]


def test_the_quota_is_one_for_all_apps_and_starts_anew_with_the_month_in_china() -> None:
    caller = Caller(Behaviour(monthly_quota=1))
    assert caller.send().status == 200
    caller.clock.time = caller.clock.time.replace(day=31, hour=15, minute=59)
    caller.token = caller.world.issue_token("another")
    assert code_of(caller.send()) == QUOTA
    caller.clock.advance(60)
    assert caller.send().status == 200


def test_organisations_have_quotas_of_their_own() -> None:
    caller = Caller(Behaviour(monthly_quota=1))
    assert caller.send().status == 200
    body = {"suiteKey": "s", "suiteSecret": "s", "authCorpId": "corp", "suiteTicket": "t"}
    caller.token = caller.post("/v1.0/oauth2/corpAccessToken", body).json()["accessToken"]
    assert caller.send().status == 200
    assert code_of(caller.send()) == QUOTA


@pytest.mark.parametrize("form", list(BanForm))
def test_an_address_that_calls_too_often_is_banned_for_five_minutes(form: BanForm) -> None:
    caller = Caller(Behaviour(ban_after_calls=3, ban_form=form))
    assert [from_address(caller, "10.0.0.1").status for _ in range(3)] == [400] * 3
    banned = from_address(caller, "10.0.0.1")
    assert banned.status == 200
    if form is BanForm.JSON:
        assert banned.json() == {"status": 1111, "wait": 5, "source": "x5", "punish": "deny"}
    else:
        assert banned.headers["Content-Type"].startswith("text/html")
    assert from_address(caller, "10.0.0.2").status == 400
    caller.clock.advance(299)
    assert from_address(caller, "10.0.0.1").status == 200
    caller.clock.advance(1)
    assert from_address(caller, "10.0.0.1").status == 400


def test_calls_that_spread_over_more_than_twenty_seconds_get_nobody_banned() -> None:
    caller = Caller(Behaviour(ban_after_calls=3))
    for _ in range(9):
        assert from_address(caller, "10.0.0.1").status == 400
        caller.clock.advance(10)


def test_ten_thousand_calls_from_one_address_are_served_and_one_more_is_not() -> None:
    caller = Caller()
    assert {from_address(caller, "10.0.0.1").status for _ in range(10_000)} == {400}
    assert from_address(caller, "10.0.0.1").status == 200


def test_a_missing_permission_names_the_scope_to_apply_for() -> None:
    reply = Caller(Behaviour(permission_missing=True)).send()
    assert code_of(reply) == (403, "Forbidden.AccessDenied.AccessTokenPermissionDenied")
    assert reply.json()["accessdenieddetail"] == {"requiredScopes": ["qyapi_robot_sendmsg"]}


def test_an_address_can_be_off_the_list() -> None:
    assert code_of(Caller(Behaviour(ip_refused=True)).send()) == (403, "Forbidden.AccessDenied.IpNotInWhiteList")


def test_the_fields_of_an_error_can_be_capitalised() -> None:
    reply = Caller(Behaviour(capitalised_error_fields=True)).recall([])
    assert set(reply.json()) == {"Code", "Message", "RequestId"}


def test_every_answer_has_a_request_id_and_a_date() -> None:
    caller = Caller()
    for reply in (caller.send(), caller.recall([]), caller.get("/nowhere")):
        assert reply.headers["Date"] == "Wed, 04 Mar 2026 02:00:00 GMT"
        assert reply.headers["x-acs-request-id"]
    assert caller.recall([]).json().keys() == {"code", "message", "requestid"}


def from_address(caller: Caller, address: str) -> Reply:
    """Make a call that costs no quota."""
    return caller.post("/v1.0/oauth2/accessToken", {"appKey": ""}, address=address)


def test_the_busiest_second_counts_what_arrived_and_not_only_what_was_served() -> None:
    caller = Caller(Behaviour(calls_per_second=2))
    keys = caller.keys()
    for gap in (0, 0.5, 0.4, 0.1, 3):
        caller.clock.advance(gap)
        caller.recall(keys)
    assert caller.world.counts()["busiest_second"] == {OTO_RECALL: 3}
