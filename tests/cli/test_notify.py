"""`ledger notify`: where notices go, whether they arrive there, and which campaigns are watched."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import block_with
from tests.receiver import Receiver, receiving

from .conftest import Shell

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def server() -> Iterator[Receiver]:
    """A place on this machine."""
    with receiving() as server:
        yield server


def test_the_lines_of_the_page_tell_a_chat_and_a_mailbox(shell: Shell, server: Receiver) -> None:
    lines = block_with("pip install", "notify test").text.splitlines()
    given = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
    shell.variables |= {name: value.strip('"') for name, value in given.items()}
    for name in ("team", "boss"):
        there = f"json://127.0.0.1:{server.server_port}/{name}"
        shell.variables["LEDGER_NOTIFY_URLS"] = re.sub(
            rf"{name}=[^,]+", f"{name}={there}", shell.variables["LEDGER_NOTIFY_URLS"]
        )
    ended = shell(*lines[-1].removeprefix("ledger ").split())
    assert (ended.code, ended.out) == (0, "team: arrived\nboss: arrived\n")
    assert json.loads(server.taken[-1])["title"] == "撤回台账测试通知"


def test_a_test_says_of_each_place_whether_it_arrived(shell: Shell, server: Receiver) -> None:
    shell.variables |= {
        "LEDGER_WEBHOOK_URLS": f"desk={server.url}, gone=http://127.0.0.1:9/",
        "LEDGER_WEBHOOK_SECRET": SECRET,
    }
    ended = shell("notify", "test", "--actor", "ann")
    assert (ended.code, ended.out.splitlines()[0]) == (3, "desk: arrived")
    assert ended.out.splitlines()[1].startswith("gone: 127.0.0.1 cannot be reached")
    shell.variables["LEDGER_WEBHOOK_URLS"] = f"desk={server.url}"
    assert shell("notify", "test", "--json").json == {"places": [{"name": "desk", "error": None}]}
    assert len(server.taken) == 2
    (place,) = shell("notify", "places", "--json").json["places"]
    assert (place["name"], place["reached_at"] is None, place["error"]) == ("desk", False, None)


def test_without_a_place_it_says_what_to_set(shell: Shell) -> None:
    ended = shell("notify", "test")
    assert (ended.code, "LEDGER_NOTIFY_URLS" in ended.err) == (2, True)
    assert "notices go nowhere" in shell("notify", "places").err


def test_a_campaign_is_watched_until_nobody_wants_it_any_more(shell: Shell) -> None:
    ended = shell("notify", "watch", "spring", "--before", "30m", "--actor", "ann")
    assert ended.code == 0, ended.err
    assert "30 min" in ended.out
    assert "the ledger holds nothing of campaign spring" in ended.err
    assert shell("notify", "places", "--json").json["watched"][0]["before_seconds"] == 1800
    assert shell("notify", "unwatch", "spring").code == 0
    again = shell("notify", "unwatch", "spring")
    assert (again.code, "nobody watches" in again.err) == (2, True)


@pytest.mark.parametrize("before", ["soon", "25h", "0m"])
def test_a_length_of_time_that_is_none_is_named(shell: Shell, before: str) -> None:
    ended = shell("notify", "watch", "spring", "--before", before)
    assert (ended.code, "--before" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"LEDGER_NOTIFY_URLS": "not an address"}, "LEDGER_NOTIFY_URLS: write addresses"),
        ({"LEDGER_NOTIFY_URLS": "a=json://h a=json://i"}, "two addresses are called 'a'"),
        ({"LEDGER_NOTIFY_URLS": "a=json://h", "LEDGER_NOTIFY_EVENTS": '{"finish": ["a"]}'}, "did you mean finished?"),
        ({"LEDGER_NOTIFY_URLS": "team=json://h", "LEDGER_NOTIFY_EVENTS": '{"*": ["tean"]}'}, "did you mean team?"),
        ({"LEDGER_NOTIFY_EVENTS": "finished"}, "or the same as JSON"),
        ({"LEDGER_WEBHOOK_URLS": "https://h/"}, "needs LEDGER_WEBHOOK_SECRET"),
        ({"LEDGER_WEBHOOK_URLS": "http://h/", "LEDGER_WEBHOOK_SECRET": SECRET}, "it has to be https"),
        ({"LEDGER_WEBHOOK_SECRET": "short"}, "openssl rand -base64 32"),
    ],
)
def test_a_setting_that_cannot_be_is_named_without_its_value(
    shell: Shell, variables: dict[str, str], said: str
) -> None:
    shell.variables |= variables
    ended = shell("notify", "places")
    assert (ended.code, said in ended.err) == (2, True), ended.err
