"""Answers that are queued up, cuts and delays, in process."""

import pytest

from ledger.simulator import Behaviour, Cut, ScriptedAnswer
from ledger.simulator.refusals import STATUS_AND_MESSAGE

from .worlds import OTO_RECALL, OTO_SEND, Caller, code_of


@pytest.mark.parametrize("code", sorted(STATUS_AND_MESSAGE))
def test_every_documented_error_can_be_the_next_answer(code: str) -> None:
    caller = Caller()
    caller.world.script(ScriptedAnswer.error(code))
    reply = caller.send()
    assert code_of(reply) == (STATUS_AND_MESSAGE[code][0], code)
    assert reply.json()["requestid"] == reply.headers["x-acs-request-id"]
    assert caller.send().status == 200


def test_answers_come_in_order_and_only_for_their_path() -> None:
    caller = Caller()
    caller.world.script(
        ScriptedAnswer(path=OTO_RECALL, status=503, times=2), ScriptedAnswer(status=200, body={}), ScriptedAnswer()
    )
    keys = caller.keys()
    assert caller.send().json() == {}
    assert [caller.recall(keys).status for _ in range(3)] == [503, 503, 200]
    assert caller.world.scripts_waiting() == 0


def test_a_page_can_be_answered() -> None:
    caller = Caller()
    caller.world.script(ScriptedAnswer(status=200, body="<html></html>", headers={"X-Extra": "yes"}))
    reply = caller.send()
    assert (reply.body, reply.headers["X-Extra"]) == (b"<html></html>", "yes")
    assert reply.headers["Content-Type"].startswith("text/html")


def test_nothing_is_done_when_the_line_is_cut_before_the_work() -> None:
    caller = Caller()
    caller.world.script(ScriptedAnswer(cut=Cut.BEFORE_WORK))
    reply = caller.send()
    assert (reply.cut, reply.status, caller.world.messages()) == (Cut.BEFORE_WORK, 0, [])
    assert caller.world.calls()[0].cut is Cut.BEFORE_WORK


@pytest.mark.parametrize("cut", [Cut.AFTER_WORK, Cut.MID_BODY])
def test_the_work_is_done_when_the_line_is_cut_later(cut: Cut) -> None:
    caller = Caller()
    caller.world.script(ScriptedAnswer(cut=cut))
    reply = caller.send()
    assert reply.cut is cut
    assert len(caller.world.messages()) == 1


def test_an_error_can_be_answered_although_the_work_was_done() -> None:
    caller = Caller()
    caller.world.script(ScriptedAnswer(status=500, does_work=True))
    assert caller.send().status == 500
    assert len(caller.world.messages()) == 1


def test_delays_are_told_and_not_slept() -> None:
    caller = Caller(Behaviour(latency_seconds=0.5))
    caller.world.script(ScriptedAnswer(delay_seconds=30))
    assert [caller.send().delay_seconds for _ in range(2)] == [30.5, 0.5]


def test_a_scripted_throttling_costs_no_quota_and_a_scripted_fault_does() -> None:
    caller = Caller()
    caller.world.script(ScriptedAnswer.error("Forbidden.AccessDenied.QpsLimitForApi"))
    caller.send()
    assert caller.world.counts()["quota_used"] == []
    caller.world.script(ScriptedAnswer.error("system.error"))
    caller.send()
    assert caller.world.counts()["quota_used"][0]["used"] == 1


def test_the_journal_tells_what_was_asked_and_answered() -> None:
    caller = Caller()
    keys = caller.keys(2)
    ok, bad = caller.recall(keys), caller.recall(["unknown"])
    first, second = caller.world.calls(OTO_RECALL)
    assert (first.app, first.keys, first.status, first.code) == ("dingapp", tuple(keys), 200, None)
    assert first.request_id == ok.headers["x-acs-request-id"]
    assert (second.status, second.code) == (400, "invalid.processQueryKey")
    assert bad.json()["requestid"] == second.request_id
    sent = caller.send().json()["processQueryKey"]
    assert caller.world.calls(OTO_SEND)[0].keys == (sent,)
    assert caller.world.counts()["by_code"] == {"ok": 2, "invalid.processQueryKey": 1}


def test_a_reset_forgets_everything_but_the_first_behaviour() -> None:
    caller = Caller(Behaviour(null_fields=True))
    caller.world.change(null_fields=False, latency_seconds=3)
    caller.send()
    caller.world.reset()
    assert caller.world.behaviour == Behaviour(null_fields=True)
    assert (caller.world.messages(), caller.world.calls()) == ([], [])
    assert code_of(caller.send()) == (400, "InvalidAuthentication")
