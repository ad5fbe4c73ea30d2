"""A recall from plan to outcomes, on both databases, against the simulated DingTalk."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recording.message import Route
from ledger.dingtalk.departure import Leave
from ledger.errors import (
    EmptySelectionError,
    InputError,
    NothingEligibleError,
    PlanChangedError,
    PlanEndedError,
    UnknownRecallError,
    WrongStateError,
)
from ledger.simulator import ScriptedAnswer, World
from tests.conftest import MakeLedger
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"


def recalls_asked(world: World) -> list[tuple[str, ...]]:
    return [tuple(call.keys) for call in world.calls() if call.path.endswith(("batchRecall", "recall"))]


def test_45_and_5_keys_of_two_robots_with_3_expired_beside_them_go_in_exactly_4_calls(
    book: Ledger, world: World
) -> None:
    send(book, world, 45, robot="robot-1")
    send(book, world, 5, robot="robot-2")
    late = send(book, world, 3, robot="robot-1", sent_ago=timedelta(hours=25))

    plan = book.plan(campaign="spring", reason="wrong link")
    result = book.run(plan)

    assert (plan.eligible, plan.expired, plan.calls, plan.robots) == (50, 3, 4, {"robot-1": 45, "robot-2": 5})
    assert (result.status, result.recalled, result.calls, result.pending) == (Status.FINISHED, 50, 4, 0)
    assert sorted(len(keys) for keys in recalls_asked(world)) == [5, 5, 20, 20]
    assert not {key for keys in recalls_asked(world) for key in keys} & set(late)
    assert all(message.recalled_at for message in world.messages() if message.key not in late)


def test_a_plan_calls_nothing(book: Ledger, world: World) -> None:
    send(book, world, 3)
    book.plan(campaign="spring", reason="only looking")
    assert world.calls() == []


def test_an_empty_selection_never_means_everything(book: Ledger, world: World) -> None:
    send(book, world, 3)
    with pytest.raises(EmptySelectionError, match="nothing is selected"):
        book.plan(reason="everything")


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_recall_without_a_reason_is_refused(book: Ledger, world: World, reason: str) -> None:
    send(book, world, 1)
    with pytest.raises(InputError, match="reason"):
        book.plan(campaign="spring", reason=reason)


def test_a_plan_runs_once(book: Ledger, world: World) -> None:
    send(book, world, 3)
    plan = book.plan(campaign="spring", reason="wrong link")
    book.run(plan)
    with pytest.raises(WrongStateError, match="a plan runs once"):
        book.run(plan)
    assert len(recalls_asked(world)) == 1


def test_a_plan_ends_after_a_while(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 3)
    plan = book.plan(campaign="spring", reason="wrong link")
    clock.advance(timedelta(minutes=16))
    with pytest.raises(PlanEndedError, match="plan it again"):
        book.run(plan)


def test_a_plan_whose_messages_another_recall_took_is_refused_and_says_how_many(book: Ledger, world: World) -> None:
    send(book, world, 3)
    first = book.plan(campaign="spring", reason="wrong link")
    second = book.plan(campaign="spring", reason="me too")
    book.run(first)
    with pytest.raises(PlanChangedError, match="3 messages"):
        book.run(second)
    third = book.plan(campaign="spring", reason="look again")
    assert (third.eligible, third.already_recalled) == (0, 3)


def test_messages_of_a_paused_recall_belong_to_it(book: Ledger, world: World) -> None:
    send(book, world, 3)
    world.change(permission_missing=True)
    assert book.run(book.plan(campaign="spring", reason="wrong link")).status is Status.PAUSED
    assert book.plan(campaign="spring", reason="me too").in_progress == 3


def test_nothing_eligible_is_an_error_of_its_own(book: Ledger, world: World) -> None:
    send(book, world, 2, sent_ago=timedelta(hours=25))
    plan = book.plan(campaign="spring", reason="too late")
    assert (plan.eligible, plan.expired) == (0, 2)
    with pytest.raises(NothingEligibleError):
        book.run(plan)


def test_an_unknown_recall_names_the_command_that_lists_them(book: Ledger) -> None:
    with pytest.raises(UnknownRecallError, match="ledger recalls"):
        book.show(99)


def test_without_include_shared_only_messages_that_reached_nobody_else_are_taken(book: Ledger, world: World) -> None:
    shared = send(book, world, 1, users=["ann", "bob", "cid"])
    own = send(book, world, 1, users=["ann"])
    plan = book.plan(users=["ann"], reason="she asked")
    assert (plan.eligible, plan.shared_skipped, plan.recipients, plan.other_recipients) == (1, 1, 1, 2)
    book.run(plan)
    assert recalls_asked(world) == [tuple(own)]
    whole = book.plan(users=["ann"], reason="she asked", include_shared=True)
    assert (whole.eligible, whole.already_recalled, whole.recipients, whole.other_recipients) == (1, 1, 3, 2)
    book.run(whole)
    assert recalls_asked(world)[-1] == tuple(shared)


def test_group_messages_go_in_calls_of_their_own_conversation(book: Ledger, world: World) -> None:
    send(book, world, 3, conversation="cid-1")
    send(book, world, 2, conversation="cid-2")
    send(book, world, 4)
    plan = book.plan(campaign="spring", reason="wrong link")
    result = book.run(plan)
    assert (plan.calls, result.calls, result.recalled) == (3, 3, 9)
    assert {call.path for call in world.calls() if call.keys} == {ONE_ON_ONE, "/v1.0/robot/groupMessages/recall"}


def test_the_nearest_deadline_is_asked_first(book: Ledger, world: World) -> None:
    young = send(book, world, 20, sent_ago=timedelta(hours=2))
    old = send(book, world, 20, sent_ago=timedelta(hours=20))
    book.run(book.plan(campaign="spring", reason="wrong link"))
    assert [set(keys) for keys in recalls_asked(world)] == [set(old), set(young)]


def test_keys_inside_the_margin_travel_by_themselves(book: Ledger, world: World) -> None:
    risky = send(book, world, 2, sent_ago=timedelta(hours=23, minutes=59, seconds=45))
    send(book, world, 5, sent_ago=timedelta(hours=3))
    book.run(book.plan(campaign="spring", reason="wrong link"))
    assert [len(keys) for keys in recalls_asked(world)] == [2, 5]
    assert set(recalls_asked(world)[0]) == set(risky)


def test_what_expires_between_plan_and_turn_ends_expired_without_a_call(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 2, sent_ago=timedelta(hours=23, minutes=59))
    send(book, world, 2)
    plan = book.plan(campaign="spring", reason="wrong link")
    clock.advance(timedelta(minutes=2))
    result = book.run(plan)
    assert (result.recalled, result.expired, result.calls) == (2, 2, 1)


@pytest.mark.parametrize("how", ["whole_call_400", "in_failed_result"])
def test_one_bad_key_does_not_sink_the_others(book: Ledger, world: World, how: str) -> None:
    keys = send(book, world, 19)
    book.record(process_query_key="nobody-knows-this", robot_code="robot-1", campaign="spring",
                sent_at=book.parts.clock.now() - timedelta(hours=1))  # fmt: skip
    world.change(bad_key=how)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.refused, result.pending) == (19, 1, 0)
    (refused,) = book.history(outcome="refused")
    assert refused.process_query_key == "nobody-knows-this"
    assert refused.reason
    assert all(message.recalled_at for message in world.messages() if message.key in keys)


def test_an_answer_that_names_no_key_is_never_called_success(book: Ledger, world: World) -> None:
    keys = send(book, world, 3)
    world.change(silent_keys=[keys[1]])
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.unknown) == (2, 1)


def test_a_200_without_result_fields_is_asked_again(book: Ledger, world: World) -> None:
    send(book, world, 3)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, status=200, body={}))
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.calls) == (3, 2)


@pytest.mark.parametrize(
    "code",
    ["Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", "system.busy"],
)
def test_throttling_waits_and_then_goes_on(book: Ledger, world: World, clock: FakeClock, code: str) -> None:
    send(book, world, 30)
    status = 429 if code == "system.busy" else 403
    world.script(ScriptedAnswer(path=ONE_ON_ONE, times=2, status=status, body={"code": code, "message": "slow down"}))
    before = clock.now()
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 30, 4)
    assert clock.now() - before >= timedelta(seconds=1)
    assert [item.attempts for item in book.history()] == [1] * 30


def test_server_errors_and_cut_lines_are_asked_again_until_they_pass(book: Ledger, world: World) -> None:
    send(book, world, 20)
    world.script(
        ScriptedAnswer(path=ONE_ON_ONE, status=500, body={"code": "system.error", "message": "unknown"}, times=3)
    )
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.calls) == (20, 4)


def test_a_refusal_after_an_answer_that_never_came_is_unknown(book: Ledger, world: World) -> None:
    from ledger.simulator import Cut

    send(book, world, 1)
    world.change(second_recall="failed_result")
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.AFTER_WORK))
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.unknown, result.refused, result.recalled) == (1, 0, 0)


def test_an_ended_token_is_renewed_and_the_call_made_again(book: Ledger, world: World) -> None:
    send(book, world, 20)
    book.run(book.plan(campaign="spring", reason="wrong link"))
    world.revoke_tokens()
    send(book, world, 20, campaign="autumn")
    result = book.run(book.plan(campaign="autumn", reason="wrong link"))
    assert (result.recalled, result.status) == (20, Status.FINISHED)
    assert [call.path for call in world.calls()].count("/v1.0/oauth2/accessToken") == 2


def test_partial_and_expired_answers_keep_their_names_and_reasons(book: Ledger, world: World) -> None:
    first, second, third = send(book, world, 3)
    world.change(
        failed_reasons={first: "notRevoke.all.messages", second: "robot.processQueryKey.expired", third: "不允许撤回"}
    )
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.partial, result.expired, result.refused) == (1, 1, 1)
    reasons = {item.process_query_key: item.reason for item in book.history()}
    assert reasons == {
        first: "notRevoke.all.messages",
        second: "robot.processQueryKey.expired",
        third: "不允许撤回",
    }


def test_a_passing_failure_is_asked_again(book: Ledger, world: World) -> None:
    from ledger.simulator import FailedReason

    (key,) = send(book, world, 1)
    world.change(failed_reasons={key: FailedReason(reason="SYSTEM_ERROR", times=2)})
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.calls) == (1, 3)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"permission_missing": True}, "permission", "qyapi_robot_sendmsg"),
        ({"ip_refused": True}, "address_not_allowed", "address"),
        ({"monthly_quota": 0}, "quota_used_up", "quota"),
    ],
)
def test_what_somebody_must_mend_pauses_the_recall_and_resume_goes_on(
    book: Ledger, world: World, change: dict[str, object], code: str, says: str
) -> None:
    send(book, world, 30)
    world.change(**change)
    plan = book.plan(campaign="spring", reason="wrong link")
    paused = book.run(plan)
    assert (paused.status, paused.pending) == (Status.PAUSED, 30)
    assert paused.error is not None
    assert paused.error["code"] == code
    assert says in paused.error["message"]
    world.change(permission_missing=False, ip_refused=False, monthly_quota=5000)
    resumed = book.resume(plan.recall_id)
    assert (resumed.status, resumed.recalled, resumed.error) == (Status.FINISHED, 30, None)


def test_missing_credentials_pause_the_recall(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(app_key=None)
    send(book, world, 3)
    paused = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert paused.status is Status.PAUSED
    assert paused.calls == 0
    assert paused.error is not None
    assert "LEDGER_APP_KEY" in paused.error["message"]


def test_a_ban_holds_everything_back_for_its_time(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 3)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, status=200, body={"status": 1111, "wait": 5, "punish": "deny"}))
    before = clock.now()
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert result.recalled == 3
    assert clock.now() - before >= timedelta(minutes=5)


def test_retry_asks_again_for_what_was_refused(book: Ledger, world: World) -> None:
    first, second = send(book, world, 2)
    world.change(failed_reasons={first: "not allowed"})
    plan = book.plan(campaign="spring", reason="wrong link")
    assert book.run(plan).refused == 1
    world.change(failed_reasons={})
    result = book.retry(plan.recall_id)
    assert (result.recalled, result.refused, result.calls) == (2, 0, 2)
    assert recalls_asked(world)[-1] == (first,)
    with pytest.raises(NothingEligibleError):
        book.retry(plan.recall_id)
    assert {item.process_query_key for item in book.history(outcome=Outcome.RECALLED)} == {first, second}


def test_cancel_ends_what_waits(book: Ledger, world: World) -> None:
    send(book, world, 30)
    world.change(permission_missing=True)
    plan = book.plan(campaign="spring", reason="wrong link")
    book.run(plan)
    result = book.cancel(plan.recall_id)
    assert (result.status, result.cancelled, result.pending) == (Status.CANCELLED, 30, 0)
    with pytest.raises(WrongStateError):
        book.resume(plan.recall_id)
    assert book.plan(campaign="spring", reason="again").eligible == 30


def test_the_quota_of_the_month_counts_what_the_api_counts(book: Ledger, world: World) -> None:
    send(book, world, 30)
    world.script(ScriptedAnswer.error("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", path=ONE_ON_ONE))
    book.run(book.plan(campaign="spring", reason="wrong link"))
    plan = book.plan(campaign="spring", reason="look")
    assert world.counts()["quota_used"][0]["used"] == 2
    assert plan.quota == {"limit": 5000, "used": 30 + 2, "after": 4968, "reserve": 0}


def test_sends_count_against_the_quota_of_their_month_also_after_the_purge(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 30)
    send(book, world, 5, sent_ago=timedelta(days=2))
    assert book.plan(campaign="spring", reason="look").quota["used"] == 30
    clock.advance(timedelta(days=3))
    book.purge()
    send(book, world, 1)
    assert book.plan(campaign="spring", reason="look").quota["used"] == 31


def test_outcomes_and_pending_always_add_up_to_the_plan(book: Ledger, world: World) -> None:
    keys = send(book, world, 60)
    world.change(silent_keys=keys[:3], failed_reasons=dict.fromkeys(keys[3:7], "no"))
    plan = book.plan(campaign="spring", reason="wrong link")
    seen = []
    final = book.run(plan)
    book_progress = book.show(plan.recall_id).result
    seen += [final, book_progress]
    for result in seen:
        parts = (result.recalled, result.refused, result.partial, result.expired, result.unknown, result.cancelled)
        assert sum(parts) + result.pending == result.eligible == plan.eligible


def test_several_apps_recall_with_their_own_robots(make_ledger: MakeLedger, world: World) -> None:
    world.configure(apps={"key-a": "secret-of-app-a", "key-b": "secret-of-app-b"})
    apps = {
        "a": {"robots": ["robot-a"], "app_key": "key-a", "app_secret": "secret-of-app-a"},
        "b": {"robots": ["robot-b"], "app_key": "key-b", "app_secret": "secret-of-app-b"},
    }
    book = make_ledger(app_key=None, app_secret=None, apps=apps)
    send(book, world, 3, robot="robot-a")
    send(book, world, 3, robot="robot-b")
    assert book.run(book.plan(campaign="spring", reason="wrong link")).recalled == 6
    assert {(call.app, call.robot_code) for call in world.calls() if call.keys} == {
        ("key-a", "robot-a"),
        ("key-b", "robot-b"),
    }
    send(book, world, 1, robot="robot-c", campaign="other")
    strange = book.plan(campaign="other", reason="whose is it")
    assert (strange.eligible, strange.unconfigured_robots) == (0, {"robot-c": 1})


def test_a_refusal_of_everything_that_no_page_explains_pauses_before_it_eats_the_quota(
    book: Ledger, world: World
) -> None:
    send(book, world, 200)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, times=9999, status=400, body={"code": "new.code", "message": "no"}))
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert result.status is Status.PAUSED
    assert result.error is not None
    assert "new.code" in result.error["message"]
    assert result.calls <= 60


def test_doubtful_keys_travel_apart_so_that_they_cannot_sink_others(book: Ledger, world: World) -> None:
    first = send(book, world, 20, sent_ago=timedelta(hours=5))
    send(book, world, 30, sent_ago=timedelta(hours=4))
    world.script(ScriptedAnswer(path=ONE_ON_ONE, status=500, body={"code": "system.error", "message": "unknown"}))
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert result.recalled == 50
    assert all(set(keys) <= set(first) or set(keys).isdisjoint(first) for keys in recalls_asked(world))
    assert result.calls == 4


def test_what_was_in_flight_when_its_recall_was_cancelled_does_not_wait_for_ever(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book, other = make_ledger(), make_ledger()
    send(book, world, 20)
    plan = book.plan(campaign="spring", reason="wrong link")

    world.script(ScriptedAnswer(path=ONE_ON_ONE, status=500, body={"code": "system.error"}, delay_seconds=1))
    asleep = clock.sleep

    def cancel_then_sleep(seconds: float) -> None:
        """Cancel from elsewhere while the call is under way."""
        asleep(seconds)
        if seconds == 1 and other.show(plan.recall_id).result.status is Status.RUNNING:
            other.cancel(plan.recall_id)

    clock.sleep = cancel_then_sleep  # type: ignore[method-assign]
    result = book.run(plan)
    assert (result.status, result.pending, result.unknown) == (Status.CANCELLED, 0, 20)
    assert book.verify().ok


def test_a_wrong_endpoint_pauses_the_recall_at_once(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 3)
    before = clock.now()
    world.script(ScriptedAnswer(path=ONE_ON_ONE, status=404, body="<html>not found</html>"))
    paused = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert paused.status is Status.PAUSED
    assert paused.error is not None
    assert "LEDGER_API_URL" in paused.error["message"]
    assert clock.now() - before < timedelta(seconds=5)


@pytest.mark.parametrize("part", [{"campaign": ""}, {"users": []}, {"keys": []}, {"robot": ""}, {"users": "ann"}])
def test_an_empty_part_of_a_selection_does_not_widen_it_without_a_word(
    book: Ledger, world: World, part: dict[str, Any]
) -> None:
    send(book, world, 1)
    with pytest.raises(InputError, match=next(iter(part))):
        book.plan(**{"campaign": "spring", "reason": "look", **part})


def test_a_fault_of_ours_in_one_call_takes_no_other_answer_along(
    book: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = send(book, world, 60)
    caller, recall = book.parts.caller, book.parts.caller.recall
    faults = [ZeroDivisionError(), KeyError()]

    def faulty(route: Route, asked: Sequence[str], leave: Leave) -> Answer | NoAnswer:
        if keys[25] in asked and faults:
            raise faults.pop()
        return recall(route, asked, leave)

    monkeypatch.setattr(caller, "recall", faulty)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.status, result.recalled, faults) == (Status.FINISHED, 60, [])


def test_a_token_that_an_answer_repeats_is_not_kept_as_a_reason(book: Ledger, world: World) -> None:
    (key,) = send(book, world, 1)
    token = world.issue_token("dingapp")
    assert len(token) >= 8
    world.change(failed_reasons={key: f"bad token {token}"})
    book.run(book.plan(campaign="spring", reason="wrong link"))
    (item,) = book.history()
    assert item.reason == "bad token ***"
