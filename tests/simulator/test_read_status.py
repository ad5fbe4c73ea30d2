"""What the read status says."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from ledger.simulator import Behaviour, Reply

from .worlds import ROBOT, Caller, code_of


def read(caller: Caller, key: str, robot: str = ROBOT, *, encoded: bool = True) -> Reply:
    """Ask for the read status of a key."""
    written = quote(key, safe="") if encoded else key
    return caller.get(f"/v1.0/robot/oToMessages/readStatus?robotCode={robot}&processQueryKey={written}")


def test_the_read_status_names_every_user_and_whether_they_read() -> None:
    caller = Caller(Behaviour(readers=frozenset({"u2"})))
    key = caller.send(["u1", "u2"]).json()["processQueryKey"]
    assert read(caller, key).json() == {
        "sendStatus": "SUCCESS",
        "messageReadInfoList": [
            {"userId": "u1", "name": "u1", "readStatus": "UNREAD"},
            {"userId": "u2", "name": "u2", "readStatus": "READ"},
        ],
    }


def test_a_key_has_to_be_encoded_in_the_query() -> None:
    caller = Caller()
    (key,) = caller.keys()
    assert code_of(read(caller, key, encoded=False)) == (400, "processQueryKey.expireTime")


def test_the_send_status_goes_from_processing_to_success_to_recalled() -> None:
    caller = Caller(Behaviour(processing_seconds=3, misspelt_success=True))
    key = caller.send().json()["processQueryKey"]
    seen = [read(caller, key).json()["sendStatus"]]
    caller.clock.advance(3)
    seen.append(read(caller, key).json()["sendStatus"])
    caller.recall([key])
    seen.append(read(caller, key).json()["sendStatus"])
    assert seen == ["PROCESSING", "SUCESS", "RECALLED"]


def test_an_old_or_unknown_key_has_no_read_status() -> None:
    caller = Caller()
    (old,) = caller.keys(age=timedelta(hours=25))
    assert code_of(read(caller, old)) == (400, "processQueryKey.expireTime")
    assert code_of(read(caller, "unknown")) == (400, "processQueryKey.expireTime")


@pytest.mark.parametrize(
    ("key", "robot", "code"),
    [("", ROBOT, "invalidParameter.processQueryKey.missing"), ("k", "", "invalidParameter.param.invalid")],
)
def test_both_parameters_are_needed(key: str, robot: str, code: str) -> None:
    assert code_of(read(Caller(), key, robot)) == (400, code)


def test_another_robot_may_not_ask() -> None:
    caller = Caller()
    assert code_of(read(caller, caller.keys()[0], "other")) == (400, "not.allowed.robotCode")
