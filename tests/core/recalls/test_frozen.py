"""The digest of what was frozen: the same however its rows come, and another one for every other cell."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recalls.frozen import FrozenDigest

COLUMNS = ("id", "text", "at", "users", "facts")
texts = st.text(st.characters(exclude_categories=()), max_size=8)
times = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001  (given a zone below)
    lambda moment: moment.replace(tzinfo=UTC)
)
elsewhere = times.map(lambda moment: moment.astimezone(timezone(timedelta(hours=8))))
facts = st.dictionaries(texts, st.lists(texts, max_size=2), max_size=2) | st.none() | st.booleans()
users = st.lists(texts | st.none() | st.lists(texts, max_size=2), max_size=3)
row = st.tuples(st.integers(), texts | st.none(), times | elsewhere, users, facts)
# Of one recall, most columns say the same in each row.
rows = st.lists(row, max_size=30) | st.builds(lambda one, count: [one] * count, row, st.integers(0, 30))


def one_by_one(found: list[tuple[Any, ...]], expected: int) -> FrozenDigest:
    digest = FrozenDigest(columns=COLUMNS, expected_rows=expected)
    for row in found:
        digest.add(row)
    return digest


@given(rows, st.integers(0, 30), st.sampled_from([0, 1, 30, 2500, 7000]))
def test_rows_that_come_together_have_the_digest_of_rows_that_come_one_by_one(
    found: list[tuple[Any, ...]], cut: int, expected: int
) -> None:
    together = FrozenDigest(columns=COLUMNS, expected_rows=expected)
    together.add_columns(list(zip(*found[:cut], strict=True)))
    together.add_columns(list(zip(*found[cut:], strict=True)))
    assert together.to_fact() == one_by_one(found, expected).to_fact()


@given(rows.filter(len), st.data())
def test_another_cell_is_another_digest_in_its_column(found: list[tuple[Any, ...]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    fact = one_by_one(found, len(found)).to_fact()
    number, *others = found[place]
    changed = FrozenDigest(columns=COLUMNS, expected_rows=len(found))
    changed.add_columns(list(zip(*found[:place], (number + 1, *others), *found[place + 1 :], strict=True)))
    assert not changed.is_like(fact)
    assert changed.changed_columns(fact) == ["id"]
