"""What watched clients send is recorded, once, whatever the library, and can be recalled."""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger import Ledger, Settings
from ledger.core.recording.message import Chat
from ledger.errors import InputError, SendingStoppedError
from ledger.services.recording.write_outcome import WriteOutcome
from ledger.simulator import ScriptedAnswer, Simulator
from tests.integrations.senders import SENDERS, Letter, Send
from tests.outages import away

each_sender = pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
on_one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def keys_of(book: Ledger, campaign: str | None = None) -> set[str]:
    """Return the keys that a ledger holds."""
    plan = book.plan(robot="robot-1", campaign=campaign, reason="look", include_shared=True)
    keys = {item.process_query_key for item in book.show(plan.recall_id).items}
    book.cancel(plan.recall_id)
    return keys


def keyless(book: Ledger) -> int:
    """Return how many sends left a trace without a key."""
    return sum(line.keyless for line in book.campaigns())


@each_sender
def test_what_was_sent_to_each_kind_of_chat_can_be_recalled(
    book: Ledger, simulator: Simulator, letter: Letter, send: Send
) -> None:
    with book.campaign("spring", source="hr-mailer"):
        keys = {send(book.watch, replace(letter, chat=chat))["processQueryKey"] for chat in Chat}
    plan = book.plan(campaign="spring", reason="wrong link", actor="tester")
    assert (plan.eligible, plan.calls, plan.recipients) == (3, 3, 1)
    assert book.run(plan).recalled == 3
    assert {message.key for message in simulator.world.messages() if message.recalled_at} == keys
    assert {item.process_query_key for item in book.history(campaign="spring")} == keys
    assert keyless(book) == 0


@each_sender
def test_users_whom_the_answer_names_did_not_get_it(
    book: Ledger, simulator: Simulator, letter: Letter, send: Send
) -> None:
    simulator.world.change(invalid_users=["bob"], flow_controlled_users=["cid"], filtered_users=["dan"])
    answer = send(book.watch, replace(letter, users=("ann", "bob", "cid", "dan")))
    assert answer["invalidStaffIdList"] == ["bob"], "the sender sees what it always saw"
    (item,) = book.show(book.plan(users=["ann"], reason="look").recall_id).items
    assert item.recipients == ("ann",)
    assert item.undelivered == {"invalid": ("bob",), "flow_controlled": ("cid",), "filtered": ("dan",)}


@each_sender
@on_one_database
def test_a_client_that_is_watched_twice_is_recorded_once(book: Ledger, letter: Letter, send: Send) -> None:
    send(lambda client: book.watch(book.watch(client)), letter)
    book.close()
    assert book.parts.recorder.writer.counts == {WriteOutcome.RECORDED: 1}


@on_one_database
def test_a_send_that_passes_two_watched_layers_is_recorded_once_by_the_inner_one(book: Ledger, letter: Letter) -> None:
    from darabonba.core import DaraCore

    SENDERS["sdk"](book.watch, letter)
    for session in DaraCore._sessions.values():
        book.watch(session)
    SENDERS["sdk"](book.watch, letter)
    book.close()
    assert book.parts.recorder.writer.counts == {WriteOutcome.RECORDED: 2}
    assert (len(keys_of(book)), keyless(book)) == (2, 0)


@each_sender
@on_one_database
def test_one_request_is_tagged_with_headers(book: Ledger, letter: Letter, send: Send) -> None:
    tagged = replace(letter, headers={"x-ledger-campaign": "own", "x-ledger-source": "me"})
    with book.campaign("block"):
        key = send(book.watch, tagged)["processQueryKey"]
    assert keys_of(book, "own") == {key}


@each_sender
def test_a_send_that_was_refused_leaves_nothing_and_one_that_broke_leaves_a_trace(
    book: Ledger, simulator: Simulator, letter: Letter, send: Send
) -> None:
    simulator.world.script(ScriptedAnswer.error("send.too.fast"), ScriptedAnswer.error("system.error"))
    with pytest.raises(Exception, match=r"400|too.fast"):
        send(book.watch, letter)
    assert keyless(book) == 0
    with pytest.raises(Exception, match=r"500|system.error"):
        send(book.watch, letter)
    book.parts.recorder.writer.close()
    assert (book.campaigns()[0].messages, keyless(book)) == (0, 1)


@each_sender
def test_while_the_database_is_away_the_sender_notices_nothing_and_no_key_is_lost(
    book: Ledger, letter: Letter, send: Send
) -> None:
    book.campaigns()
    with away(book):
        keys = {send(book.watch, letter)["processQueryKey"] for _ in range(3)}
        book.close()
    book.parts.recorder.replay()
    assert keys_of(book) == keys


@each_sender
def test_a_sender_that_wants_to_wait_has_its_answer_after_the_database_has_its_key(
    book: Ledger, letter: Letter, send: Send, tmp_path: Path
) -> None:
    elsewhere = Settings.load(database_url=book.settings.database_url, spool_dir=tmp_path / "another")
    with Ledger(elsewhere, clock=book.parts.clock) as other:
        send(lambda client: book.watch(client, wait=True), letter)
        assert other.campaigns()[0].messages == 1, "without help from the spool"


@pytest.mark.parametrize("client", [object(), 7, pytest, None], ids=["object", "int", "module", "None"])
@on_one_database
def test_what_cannot_be_watched_is_refused_with_what_can(book: Ledger, client: object) -> None:
    with pytest.raises(InputError, match=r"httpx\.Client .*requests\.Session.*aiohttp\.ClientSession.*gateway"):
        book.watch(client)


@on_one_database
def test_an_empty_campaign_is_refused(book: Ledger) -> None:
    with pytest.raises(InputError, match="empty"):
        book.campaign("")
    with pytest.raises(InputError, match="empty"):
        book.campaign("spring", source="")


@each_sender
@on_one_database
def test_a_sender_that_wants_it_is_stopped_while_its_campaign_is_recalled_and_no_other(
    book: Ledger, simulator: Simulator, letter: Letter, send: Send
) -> None:
    stops = book.parts.sending_stops
    stops.stop(["spring"], actor="ann")

    def watching(client: object) -> object:
        return book.watch(client, stops=True)

    with book.campaign("spring"), pytest.raises(SendingStoppedError, match="spring"):
        send(watching, letter)
    assert simulator.world.messages() == []
    with book.campaign("summer"):
        send(watching, letter)
    with book.campaign("spring"):
        send(book.watch, letter)
    assert {one.campaign: one.messages for one in book.campaigns() if one.messages} == {"summer": 1, "spring": 1}
    assert keyless(book) == 0
    stops.allow("spring", actor="ann")
    book.parts.known_stops.look()
    with book.campaign("spring"):
        send(watching, letter)
