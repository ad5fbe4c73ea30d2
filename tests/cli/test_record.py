"""`record`: what is taken in, what is refused, and how scripts are told."""

import pytest

from ledger import Ledger, Settings

from .conftest import Shell


def test_recording_twice_is_told_and_changes_nothing(shell: Shell) -> None:
    words = ("record", "--robot", "r", "--key", "k", "--user", "a", "--user", "b", "--campaign", "c", "--json")
    assert shell(*words).json == {"recorded": 1, "duplicates": 0, "spooled": 0, "note": None}
    assert shell(*words).json == {"recorded": 0, "duplicates": 1, "spooled": 0, "note": None}
    assert shell("campaigns", "--json").json[0]["recipients"] == 2


def test_a_group_message_is_recorded_with_its_conversation(shell: Shell) -> None:
    ended = shell("record", "--robot", "r", "--key", "k", "--conversation", "cid", "--source", "s")
    assert (ended.code, ended.out) == (0, "recorded\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--key", "k"), "--robot"),
        (("--robot", "r"), "--key"),
        (("--robot", "r", "--key", "k" * 1025), "1024 characters"),
        (("--robot", "r", "--key", "k", "--sent-at", "2026-03-01T10:00:00"), "no zone"),
        (("--robot", "r", "--key", "k", "--sent-at", "soon"), "is not a time"),
        (("--robot", "r", "--key", "k", "--sent-at", "2036-03-01T10:00:00Z"), "in the future"),
        (("--robot", "r", "--key", "k", "--usr", "k"), "No such option"),
    ],
)
def test_what_cannot_be_recorded_is_refused(shell: Shell, words: tuple[str, ...], message: str) -> None:
    ended = shell("record", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert message in " ".join(ended.err.split())
    assert shell("campaigns", "--json").json == []


def test_a_private_message_is_recorded_with_its_kind_of_chat(shell: Shell) -> None:
    ended = shell("record", "--robot", "r", "--key", "k", "--conversation", "cid", "--chat", "private")
    assert (ended.code, ended.out) == (0, "recorded\n")
    ended = shell("record", "--robot", "r", "--key", "k2", "--chat", "private")
    assert (ended.code, "needs its openConversationId" in ended.err) == (2, True)


def test_what_was_sent_without_a_campaign_is_tagged_later(shell: Shell) -> None:
    shell("record", "--robot", "r", "--key", "k1", "--source", "hr")
    shell("record", "--robot", "r", "--key", "k2", "--source", "hr", "--campaign", "spring")
    words = ("tag", "--source", "hr", "--campaign", "easter", "--reason", "forgotten")
    ended = shell(*words)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "1 message tagged easter",
        "1 message left alone: tagged already; --from-campaign or --key moves them",
    ]
    assert shell(*words, "--key", "k2", "--json").json == {"tagged": 1, "left": 0, "keyless": 0, "keyless_left": 0}
    assert [line["campaign"] for line in shell("campaigns", "--json").json] == ["easter"]


def test_sends_without_a_key_are_tagged_too_and_that_is_said(shell: Shell) -> None:
    url = "https://api.dingtalk.com/v1.0/robot/oToMessages/batchSend"
    with Ledger(Settings.load(database_url=shell.environment["LEDGER_DATABASE_URL"])) as book:
        for campaign in (None, None, "spring"):
            sending = book.parts.recorder.send_recorder.sending("POST", url, b'{"robotCode": "r"}', campaign=campaign)
            assert sending is not None
            sending.lost("nobody answered")
    ended = shell("tag", "--robot", "r", "--campaign", "easter", "--reason", "forgotten")
    assert ended.out.splitlines() == [
        "0 messages tagged easter",
        "2 sends without a key tagged easter: it counts them, no recall can",
        "1 send without a key left alone: tagged already; --from-campaign moves them",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing is selected"),
        (("--untagged", "--from-campaign", "x"), "exclude each other"),
        (("--source", ""), "--source is empty"),
    ],
)
def test_tagging_without_a_selection_is_refused(shell: Shell, words: tuple[str, ...], message: str) -> None:
    ended = shell("tag", "--campaign", "easter", "--reason", "x", *words)
    assert (ended.code, message in ended.err) == (2, True)


def test_what_cannot_be_recalled_and_whom_nobody_knows_is_said_with_the_campaigns(shell: Shell) -> None:
    shell("record", "--robot", "r", "--key", "k1")
    said = " ".join(shell("campaigns").out.split())
    assert "1 message whose recipients are not known: recallable by campaign and key, not by user." in said
