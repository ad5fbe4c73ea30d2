"""`record`: what is taken in, what is refused, and how scripts are told."""

import pytest

from .conftest import Shell


def test_recording_twice_is_told_and_changes_nothing(shell: Shell) -> None:
    words = ("record", "--robot", "r", "--key", "k", "--user", "a", "--user", "b", "--campaign", "c", "--json")
    assert shell(*words).json == {"recorded": 1, "duplicates": 0, "spooled": 0}
    assert shell(*words).json == {"recorded": 0, "duplicates": 1, "spooled": 0}
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
