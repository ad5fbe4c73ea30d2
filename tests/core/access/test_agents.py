"""Agents act on behalf of a person, whom the history names beside them; they are never a person of their own."""

import pytest

from ledger.core.access.actors import People, check_acting, check_actor, check_person
from ledger.core.access.agents import NAME_MAX_CHARACTERS, UNNAMED, agent_name, is_agent, person_behind, through_agent
from ledger.errors import InputError


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("claude-code", "claude-code"),
        ("  Claude \n Code\t2.1 ", "Claude Code 2.1"),
        ("<b>x</b>\u202egnp", "b x /b gnp"),
        ("a\u200bb\U000e0041c\x1b[31m", "a b c 31m"),
        ("ｃｌａｕｄｅ", "claude"),
        ("助手", "助手"),
        ("x" * 5000, "x" * NAME_MAX_CHARACTERS),
        ("", UNNAMED),
        ("\u202e\u200b", UNNAMED),
        (None, UNNAMED),
        (7, UNNAMED),
    ],
)
def test_what_a_client_calls_itself_is_kept_short_and_in_letters_that_are_seen(said: object, kept: str) -> None:
    assert agent_name(said) == kept


@pytest.mark.parametrize("agent", ["claude", "x via agent y", " via agent ", "alice"])
def test_whatever_it_is_called_an_agent_acts_for_the_person_behind_it(agent: str) -> None:
    actor = through_agent("alice", agent)
    assert actor.startswith("alice via agent ")
    assert (is_agent(actor), person_behind(actor)) == (True, "alice")
    assert check_acting(actor) == actor
    assert (is_agent("alice"), person_behind("alice")) == (False, "alice")


def test_an_agent_is_the_person_behind_it_and_whoever_owns_that_persons_token() -> None:
    people = People.of_tokens([("desk-3", "alice"), ("bob", "bob")])
    assert people.are_one("alice via agent claude", "alice")
    assert people.are_one("alice", "ALICE via agent claude")
    assert people.are_one("alice via agent claude", "alice via agent cursor")
    assert people.are_one("desk-3 via agent claude", "alice")
    assert people.are_one("alice", "desk-3 via agent claude")
    assert not people.are_one("alice via agent bob", "bob")
    assert not people.are_one("alice via agent claude", "bob via agent claude")


@pytest.mark.parametrize("name", ["bob via agent claude", "bob VIA  Agent claude", "bob vіа agent x", "ｖｉａ agent"])
def test_nobody_else_can_be_called_as_an_agent_is(name: str) -> None:
    with pytest.raises(InputError, match=r"looks like the name of an agent.*--actor"):
        check_actor(name)
    with pytest.raises(InputError, match=r"the token looks like the name of an agent"):
        check_person("the token", name)


@pytest.mark.parametrize("name", ["Olivia Agent", "viaagent", "agent via", "via", "ann via post"])
def test_names_that_only_have_some_of_its_letters_are_those_of_people(name: str) -> None:
    assert check_actor(name) == name
    assert not is_agent(name)


def test_an_agent_of_nobody_is_refused() -> None:
    for nobody in ("", " ", "worker", "\u200b"):
        with pytest.raises(InputError):
            check_acting(through_agent(nobody, "claude"))
    with pytest.raises(InputError, match="the actor has"):
        check_acting(through_agent("a" * 250, "claude"))
