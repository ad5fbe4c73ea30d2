"""What can be kept of the texts that people hand in, and what they hear of the others."""

from datetime import timedelta

import pytest

from ledger.core.access.actors import check_actor
from ledger.core.limits import (
    NAME_MAX_CHARACTERS,
    REASON_MAX_CHARACTERS,
    check_reason,
    check_text,
    storable,
)
from ledger.core.recalls.selection import select
from ledger.errors import InputError

from .values import NOW


def test_a_text_of_the_greatest_length_is_kept_as_it_is() -> None:
    reason = "é" * REASON_MAX_CHARACTERS
    assert check_reason("a recall", reason) == reason
    assert check_actor("ops@example.com") == "ops@example.com"


@pytest.mark.parametrize("text", ["a\x00b", "\udc80", "a\ud800"])
def test_a_text_that_no_database_keeps_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(InputError, match="the reason holds a NUL or half of a surrogate pair"):
        check_reason("a recall", text)
    with pytest.raises(InputError, match="the actor holds") as refused:
        check_actor(text)
    assert str(refused.value).isprintable()


def test_a_text_that_is_too_long_says_how_long_it_is_and_what_fits() -> None:
    with pytest.raises(InputError, match=r"the reason has 2,001 characters, and at most 2,000 fit: 'xxx"):
        check_reason("a recall", "x" * 2001)
    with pytest.raises(InputError, match=r"the actor has 257 characters, and at most 256 fit"):
        check_actor("x" * (NAME_MAX_CHARACTERS + 1))
    with pytest.raises(InputError, match="the robot has"):
        check_text("the robot", "x" * 257)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_nothing_is_no_reason_and_nobody_no_actor(text: str) -> None:
    with pytest.raises(InputError, match="a pause needs a reason"):
        check_reason("a pause", text)
    with pytest.raises(InputError, match="say who does this"):
        check_actor(text)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"campaign": "c" * 257}, "campaign has 257"),
        ({"users": ["u", "v\x00"]}, "users holds a NUL"),
        ({"keys": ["k" * 1025]}, "keys has 1,025 characters, and at most 1,024"),
        ({"robot": "\udcff"}, "robot holds"),
    ],
)
def test_a_selection_names_only_what_a_message_can_have(parts: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        select(**parts)  # type: ignore[arg-type]


def test_what_is_no_json_is_kept_in_its_own_words_or_as_its_kind() -> None:
    assert storable({"at": NOW}) == '{"at": "2026-03-04 02:00:00+00:00"}'
    loop: list[object] = [0, None]
    assert storable(loop) == "[0, null]"
    loop.append(loop)
    assert storable(loop) == "(list)"


def test_a_text_that_is_shown_whole_ends_without_dots() -> None:
    with pytest.raises(InputError, match=r": 'a\\x00'$"):
        check_actor("a\x00")
    with pytest.raises(InputError, match=r"'…$"):
        check_actor("x" * 257)


def test_of_what_somebody_else_said_at_length_the_beginning_is_kept_and_how_long_it_was() -> None:
    as_long_as_a_reason = "r" * REASON_MAX_CHARACTERS
    assert storable(as_long_as_a_reason) == as_long_as_a_reason
    assert storable(as_long_as_a_reason + "x" * 1_000_000) == f"{as_long_as_a_reason}… (1,002,000 characters)"
    assert len(storable({"why": "x" * 1_000_000})) < REASON_MAX_CHARACTERS + 40


@pytest.mark.parametrize("hours", [0, -1])
def test_times_between_which_nothing_lies_are_refused(hours: int) -> None:
    with pytest.raises(InputError, match="until is not after since"):
        select(campaign="spring", since=NOW, until=NOW + timedelta(hours=hours))
