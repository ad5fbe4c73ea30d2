"""Which names are one person: what nobody can tell apart, and what belongs to one owner."""

import pytest

from ledger.core.access.actors import People, check_actor, check_person, likeness
from ledger.errors import InputError


@pytest.mark.parametrize(
    "other",
    [
        "Wang",
        "WANG",
        " wang ",
        "ｗａｎｇ",
        "wаng",
        "wa\u200bng",
        "wa\ufe0fng",
        "w\u2800ang",
        "ԝаnɡ",
    ],
)
def test_names_that_nobody_can_tell_apart_are_one(other: str) -> None:
    assert likeness(other) == likeness("wang")


@pytest.mark.parametrize(
    ("one", "other"),
    [("ops-1", "ops-l"), ("Ivan", "lvan"), ("bob0", "bobo"), ("bernard", "bemard"), ("STRASSE", "straße"), ("µ", "μ")],
)
def test_digits_and_pairs_of_letters_that_look_alike_are_one(one: str, other: str) -> None:
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("wang", "wan"), ("li", "lu"), ("王伟", "王韦"), ("wang", "wáng"), ("ann", "bob"), ("Öl", "Ol")],
)
def test_names_that_differ_stay_two(one: str, other: str) -> None:
    assert likeness(one) != likeness(other)


@pytest.mark.parametrize(
    "name", ["worker", "Worker", "wоrker", "the ledger", "THE\u00a0LEDGER", "theledger", "w\u200borker"]
)
def test_nobody_can_be_called_as_what_nobody_did(name: str) -> None:
    with pytest.raises(InputError, match=r"by hand.*Say who does this, with --actor or LEDGER_ACTOR"):
        check_actor(name)
    with pytest.raises(InputError, match=r"the token looks like .* by hand.*Take another name$"):
        check_person("the token", name)


@pytest.mark.parametrize("name", ["\u200b", "\u2800\u2800", "\u3164", "\u00ad", "\u202e\u2066", "\U000e0041"])
def test_a_name_of_which_nothing_is_seen_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        check_actor(name)


@pytest.mark.parametrize("other", ["anna‐2", "anna–2", "anna−2", "anna-２", "anna-২", "anna—٢", "anna﹣2"])
def test_dashes_and_digits_of_any_script_are_those_of_the_keyboard(other: str) -> None:
    assert likeness(other) == likeness("anna-2")
    assert likeness("b〇b’s") == likeness("b০b's") == likeness("bob`s")
    assert likeness("anna-2") not in {likeness("anna-3"), likeness("anna2"), likeness("anna_2")}


def test_a_likeness_is_like_itself() -> None:
    for name in ("anna‐২", "d’or", "Ivan", "ＭＡＲＴＡ", "m1m", "İstanbul"):
        assert likeness(likeness(name)) == likeness(name)


def test_tokens_of_one_owner_are_one_person_and_so_is_the_owner() -> None:
    people = People.of_tokens([("wang-phone", "wang"), ("wang-desk", "Wang"), ("li", "li")])
    assert people.are_one("wang-phone", "wang-desk")
    assert people.are_one("WANG", "wang-phone")
    assert not people.are_one("wang-phone", "li")
    assert not people.are_one("nobody", "li")


def test_a_name_that_two_owners_had_after_each_other_may_be_either() -> None:
    people = People.of_tokens([("desk", "wang"), ("desk", "li")])
    assert people.are_one("desk", "wang")
    assert people.are_one("desk", "li")
    assert not people.are_one("wang", "li")
