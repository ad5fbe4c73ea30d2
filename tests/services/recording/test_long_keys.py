"""Keys of letters that take four bytes: what one database cannot index no door takes, and nothing waits for it."""

from random import Random

import pytest

from ledger import Ledger
from ledger.clock import format_time
from ledger.core.limits import KEY_MAX_BYTES
from ledger.errors import InvalidMessageError
from ledger.spool import lines
from ledger.spool.journal import Journal

# A database packs what repeats: only letters that do not show how much fits.
_CHANCE = Random(1)  # noqa: S311  (guards nothing)


def letters(count: int) -> str:
    return "".join(chr(_CHANCE.randrange(0x10000, 0x110000)) for _ in range(count))


def test_the_longest_key_fits_beside_the_longest_robot(book: Ledger) -> None:
    key, robot = letters(KEY_MAX_BYTES // 4), letters(256)
    assert book.record(process_query_key=key, robot_code=robot, user_ids=["ann"]).recorded == 1
    assert book.plan(keys=[key], reason="look").eligible == 1


def test_a_key_of_more_bytes_than_any_index_holds_is_refused_at_the_door(book: Ledger) -> None:
    with pytest.raises(InvalidMessageError, match=r"1,604 bytes, and at most 1,600 fit"):
        book.record(process_query_key=letters(KEY_MAX_BYTES // 4 + 1), robot_code="r", user_ids=["ann"])
    now = format_time(book.parts.clock.now())
    rows = [{"processQueryKey": key, "robotCode": "r", "sentAt": now} for key in ("a", letters(1024), "b")]
    imported = book.record_many(rows)
    assert (imported.recorded, imported.rejected_count, imported.spooled) == (2, 1, 0)


def test_one_that_waits_already_is_set_aside_and_holds_up_nothing(book: Ledger) -> None:
    now = format_time(book.parts.clock.now())
    journal = Journal(book.settings.spool_folder)
    for key in ("a", letters(1024), "b"):
        journal.sync(journal.add(lines.row({"processQueryKey": key, "robotCode": "r", "sentAt": now})))
    journal.close()
    replayed = book.parts.recorder.replay()
    assert (replayed.recorded, replayed.refused, replayed.left) == (2, 1, 0)
    depth = book.parts.recorder.depth()
    assert (depth.bytes, depth.refused_rows) == (0, 1)
    assert [line.messages for line in book.campaigns()] == [2]
