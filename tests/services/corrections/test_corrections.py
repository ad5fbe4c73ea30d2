"""A correction goes to exactly those who lost the message, once each, and is never sent twice for want of an answer."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.corrections.correction import CorrectionPlan, CorrectionResult, WhyNot
from ledger.core.corrections.correction_text import CorrectionText
from ledger.core.recalls.recall import Status
from ledger.errors import (
    ApprovalNeededError,
    NothingEligibleError,
    PlanChangedError,
    PlanEndedError,
    PlanTokenError,
    UnauthenticatedError,
    WrongStateError,
)
from ledger.simulator import Cut, FailedReason, ScriptedAnswer, World
from tests.conftest import MakeLedger
from tests.sending import send
from tests.services.corrections.conftest import SENT, Recalled

PEOPLE = [f"user-{number:02}" for number in range(45)]


def plan_of(book: Ledger, recall_id: int, text: CorrectionText, **more: Any) -> CorrectionPlan:
    return book.parts.correction_planner.plan(
        recall_id, text, reason="the right link", actor=more.pop("actor", "wang"), **more
    )


def correct(book: Ledger, recall_id: int, text: CorrectionText, **more: Any) -> CorrectionResult:
    plan = plan_of(book, recall_id, text)
    return book.parts.corrections.run(plan.correction_id, actor="wang", **more)


def received(world: World) -> dict[str, int]:
    return dict(world.received(msg_key="sampleText"))


def test_everybody_who_lost_the_message_gets_the_correction_once_by_the_same_robot(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, PEOPLE)
    result = correct(book, recall_id, text)
    assert (result.status, result.people, result.sent, result.calls, result.pending) == (Status.FINISHED, 45, 45, 3, 0)
    assert result.is_complete
    assert received(world) == dict.fromkeys(PEOPLE, 1)
    assert {one.robot_code for one in world.messages() if one.msg_key} == {"robot-1"}
    assert {one.msg_param for one in world.messages() if one.msg_key} == {text.msg_param}
    assert [len(one.users) for one in world.messages() if one.msg_key] == [20, 20, 5]


def test_it_is_recorded_as_every_send_and_can_be_recalled_itself(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    result = correct(book, recalled(book, PEOPLE), text)
    assert result.campaign == "correction of spring (recall 1)"
    line = next(one for one in book.campaigns() if one.campaign == result.campaign)
    assert (line.messages, line.recipients) == (3, 45)
    undone = book.run(book.plan(campaign=result.campaign, reason="that was wrong, too"))
    assert undone.recalled == 3
    assert all(one.recalled_at for one in world.messages())


def test_who_still_has_it_who_is_unknown_and_whom_nothing_reached_is_left_out_and_named(
    book: Ledger, world: World, text: CorrectionText
) -> None:
    sent = {name: send(book, world, 1, users=[name])[0] for name in ("gone", "kept", "doubt")}
    world.change(failed_reasons={sent["kept"]: FailedReason(reason="no")}, silent_keys=frozenset({sent["doubt"]}))
    send(book, world, 1, conversation="cid-1")
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.refused, result.unknown) == (2, 1, 1)
    plan = plan_of(book, result.recall_id, text)
    assert (plan.people, plan.skipped, plan.calls) == (1, 2, 1)
    assert plan.skipped_by_reason == {"still_have": 1, "unknown": 1}
    assert plan.by_hand == {"group": 1}
    assert book.parts.correction_reports.left_out(result.recall_id) == {
        "kept": WhyNot.STILL_HAVE,
        "doubt": WhyNot.UNKNOWN,
    }
    book.parts.corrections.run(plan.correction_id, actor="wang")
    assert received(world) == {"gone": 1}


@pytest.mark.parametrize("proven_first", [True, False])
def test_who_leaves_their_token_at_home_for_a_part_goes_no_further_alone(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled, proven_first: bool
) -> None:
    plans = {
        campaign: plan_of(
            book, recalled(book, [f"{campaign}-1", f"{campaign}-2"], campaign=campaign), text, actor=actor
        )
        for campaign, actor in (("spring", "wang"), ("summer", "somebody"))
    }
    book.parts.policies.put("approval-recipients", "3", actor="boss")
    order = ("spring", "summer") if proven_first else ("summer", "spring")
    run = book.parts.corrections.run
    run(plans[order[0]].correction_id, actor=("wang", "somebody")[order[0] == "summer"], is_proven=proven_first)
    with pytest.raises((ApprovalNeededError, UnauthenticatedError)):
        run(plans[order[1]].correction_id, actor=("wang", "somebody")[order[1] == "summer"], is_proven=not proven_first)
    assert len(received(world)) == 2


def test_a_second_one_takes_only_people_whom_nobody_corrected(book: Ledger, world: World, text: CorrectionText) -> None:
    gone, late = (send(book, world, 1, users=[name])[0] for name in ("gone", "late"))
    world.change(failed_reasons={late: FailedReason(reason="no")})
    recall_id = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    assert gone != late
    correct(book, recall_id, text)
    with pytest.raises(NothingEligibleError):
        correct(book, recall_id, text)
    world.change(failed_reasons={})
    assert book.retry(recall_id).recalled == 2
    plan = plan_of(book, recall_id, text)
    assert (plan.people, plan.skipped_by_reason, plan.earlier) == (1, {"corrected": 1}, (1,))
    book.parts.corrections.run(plan.correction_id, actor="wang")
    assert received(world) == {"gone": 1, "late": 1}


def test_only_a_recall_that_has_finished_is_corrected(book: Ledger, world: World, text: CorrectionText) -> None:
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="wrong link")
    with pytest.raises(WrongStateError, match="has not finished"):
        plan_of(book, plan.recall_id, text)


@pytest.mark.parametrize("cut", list(Cut))
def test_a_send_whose_answer_never_came_is_unknown_and_not_sent_again(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled, cut: Cut
) -> None:
    recall_id = recalled(book, PEOPLE)
    world.script(ScriptedAnswer(path=SENT, cut=cut))
    result = correct(book, recall_id, text)
    assert (result.status, result.sent, result.unknown, result.calls) == (Status.FINISHED, 25, 20, 3)
    assert not result.is_complete
    assert max(received(world).values()) == 1
    plan = plan_of(book, recall_id, text)
    assert (plan.people, plan.skipped_by_reason) == (0, {"corrected": 25, "maybe_corrected": 20})
    # It is a send without a key: it may have reached people, and somebody has to know.
    line = next(one for one in book.campaigns() if one.campaign == result.campaign)
    assert line.keyless == 1


@pytest.mark.parametrize(
    "answer",
    [
        ScriptedAnswer.error("system.error", path=SENT),
        ScriptedAnswer(path=SENT, status=503, body={"code": "ServiceUnavailable", "message": "later"}),
        ScriptedAnswer(path=SENT, status=200, body={"success": True}, does_work=True),
    ],
    ids=["500", "503", "a 200 without a key"],
)
def test_an_answer_that_does_not_say_that_it_was_not_sent_leaves_it_unknown(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled, answer: ScriptedAnswer
) -> None:
    recall_id = recalled(book, PEOPLE[:3])
    world.script(answer)
    result = correct(book, recall_id, text)
    assert (result.sent, result.unknown, result.status) == (0, 3, Status.FINISHED)


@pytest.mark.parametrize(
    "code",
    [
        "send.too.fast",
        "send.byToken.tooFast",
        "too.many.people",
        "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
        "system.busy",
        "InvalidAuthentication",
    ],
)
def test_what_was_thrown_back_certainly_was_not_sent_and_is_asked_again(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled, code: str
) -> None:
    recall_id = recalled(book, PEOPLE)
    world.script(ScriptedAnswer.error(code, path=SENT))
    result = correct(book, recall_id, text)
    assert (result.sent, result.calls, result.status) == (45, 4, Status.FINISHED)
    assert received(world) == dict.fromkeys(PEOPLE, 1)


def test_whom_dingtalk_names_as_not_reached_is_told_apart_and_may_be_corrected_later(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, ["ann", "bob", "cid", "dan"])
    world.change(
        invalid_users=frozenset({"ann"}), flow_controlled_users=frozenset({"bob"}), filtered_users=frozenset({"cid"})
    )
    result = correct(book, recall_id, text)
    assert (result.sent, result.not_reached, result.is_complete) == (1, 3, False)
    assert result.not_reached_by_reason == {"invalid": 1, "flow_controlled": 1, "filtered": 1}
    world.change(invalid_users=frozenset(), flow_controlled_users=frozenset(), filtered_users=frozenset())
    assert correct(book, recall_id, text).sent == 3
    assert received(world) == {"ann": 1, "bob": 1, "cid": 1, "dan": 1}


@pytest.mark.parametrize(
    ("field", "code"), [("unknown_users", "staffId.notExisted"), ("illegal_users", "illegal.receivers")]
)
def test_somebody_who_spoils_a_call_is_found_and_the_others_get_it(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled, field: str, code: str
) -> None:
    recall_id = recalled(book, PEOPLE[:20])
    world.change(**{field: frozenset({"user-07"})})
    result = correct(book, recall_id, text)
    assert (result.sent, result.refused, result.people) == (19, 1, 20)
    assert [(one.code, one.people) for one in result.refusals] == [(code, 1)]
    assert received(world) == {user: 1 for user in PEOPLE[:20] if user != "user-07"}
    assert book.verify().ok


@pytest.mark.parametrize(
    ("change", "undo", "code", "says"),
    [
        ({"permission_missing": True}, {"permission_missing": False}, "permission", "qyapi_robot_sendmsg"),
        ({"monthly_quota": 1}, {"monthly_quota": None}, "quota_used_up", "quota"),
        ({"ip_refused": True}, {"ip_refused": False}, "address_not_allowed", "exit addresses"),
        (
            {"robots_without_chats": frozenset({"robot-1"})},
            {"robots_without_chats": frozenset()},
            "paused",
            "one by one",
        ),
    ],
)
def test_what_somebody_has_to_fix_pauses_it_and_it_goes_on_with_the_rest(
    book: Ledger,
    world: World,
    text: CorrectionText,
    recalled: Recalled,
    change: dict[str, Any],
    undo: dict[str, Any],
    code: str,
    says: str,
) -> None:
    recall_id = recalled(book, PEOPLE)
    world.change(**change)
    paused = correct(book, recall_id, text)
    assert (paused.status, paused.sent, paused.pending) == (Status.PAUSED, 0, 45)
    assert paused.error is not None
    assert paused.error["code"] == code
    assert says in paused.error["message"]
    with pytest.raises(WrongStateError, match="ledger resume 1"):
        plan_of(book, recall_id, text)
    world.change(**undo)
    resumed = book.parts.corrections.resume(paused.correction_id, actor="li")
    assert (resumed.status, resumed.sent) == (Status.FINISHED, 45)
    assert received(world) == dict.fromkeys(PEOPLE, 1)


def test_a_text_that_is_refused_is_cancelled_and_another_one_goes_to_the_same_people(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, PEOPLE)
    world.change(unsafe_texts=frozenset({"example.com"}))
    paused = correct(book, recall_id, text)
    assert paused.error is not None
    assert "does not take this text" in paused.error["message"]
    cancelled = book.parts.corrections.cancel(paused.correction_id, actor="li")
    assert (cancelled.status, cancelled.cancelled, cancelled.pending) == (Status.CANCELLED, 45, 0)
    world.change(unsafe_texts=frozenset())
    assert correct(book, recall_id, text).sent == 45
    assert book.verify().ok


def test_a_plan_is_sent_once_as_it_was_shown_and_in_its_time(
    book: Ledger, world: World, clock: FakeClock, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, PEOPLE)
    plan = plan_of(book, recall_id, text)
    other = plan_of(book, recall_id, text)
    assert plan.token is not None
    for token, actor in ((other.token, "wang"), (plan.token, "li")):
        with pytest.raises(PlanTokenError):
            book.parts.corrections.run(plan.correction_id, actor=actor, plan_token=token)
    result = book.parts.corrections.run(plan.correction_id, actor="wang", plan_token=plan.token)
    assert result.sent == 45
    with pytest.raises(WrongStateError, match="a plan is sent once"):
        book.parts.corrections.run(plan.correction_id, actor="wang", plan_token=plan.token)
    # The other plan was for the same people, who have theirs now.
    with pytest.raises(PlanChangedError):
        book.parts.corrections.run(other.correction_id, actor="wang")
    clock.advance(timedelta(hours=2))
    with pytest.raises(PlanEndedError):
        book.parts.corrections.run(other.correction_id, actor="wang")
    assert received(world) == dict.fromkeys(PEOPLE, 1)


def test_a_plan_that_nobody_sent_goes_with_the_purge(
    book: Ledger, clock: FakeClock, text: CorrectionText, recalled: Recalled
) -> None:
    plan = plan_of(book, recalled(book, PEOPLE), text)
    clock.advance(timedelta(hours=2))
    book.purge()
    with pytest.raises(WrongStateError.__base__, match="there is no correction"):  # type: ignore[arg-type]
        book.parts.correction_reports.result(plan.correction_id)
    assert book.verify().ok


def test_a_sticky_recall_that_would_take_the_correction_back_stands_in_its_way(
    book: Ledger, world: World, text: CorrectionText
) -> None:
    send(book, world, 1, users=["ann"])
    result = book.run(book.plan(robot="robot-1", reason="wrong link"))
    book.parts.sticky.stick(result.recall_id, 3600, actor="wang")
    with pytest.raises(WrongStateError, match="ledger unstick 1"):
        plan_of(book, result.recall_id, text)
    book.parts.sticky.unstick(result.recall_id, actor="wang")
    assert correct(book, result.recall_id, text).sent == 1


def test_the_quota_counts_each_send_once(
    make_ledger: MakeLedger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    book = make_ledger()
    recall_id = recalled(book, PEOPLE)
    before = plan_of(book, recall_id, text).quota["used"]
    world.script(ScriptedAnswer.error("send.too.fast", path=SENT), ScriptedAnswer(path=SENT, cut=Cut.AFTER_WORK))
    correct(book, recall_id, text)
    assert plan_of(book, recall_id, text).quota["used"] == before + 3
