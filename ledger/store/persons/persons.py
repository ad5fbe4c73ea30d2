"""Where a person stands in the tables: found, counted, and given another name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy import cast as as_text

from ledger.core.persons.person import replaced
from ledger.core.recalls.recall import Status
from ledger.core.recalls.selection import Selection
from ledger.store.recalls import plan_messages
from ledger.store.recording.selecting import selected_items, selected_messages
from ledger.store.schema import (
    answers,
    correction_sends,
    corrections,
    keyless_sends,
    message_events,
    message_recipients,
    messages,
    recall_item_recipients,
    recall_items,
    recall_skips,
    recalls,
)

# What names people in columns of its own; in the order in which it is told.
TABLES: Mapping[str, Table] = {
    "messages": messages,
    "keyless": keyless_sends,
    "items": recall_items,
    "skips": recall_skips,
    "corrections": correction_sends,
    "events": message_events,
}
_BATCH_ROWS = 1000
_OF_USERS = ("recipients", "undelivered")
# Where a row is of one person, and not of several.
_OF_ONE = "user_id"


def rows_of(connection: Connection, place: str, user: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a place that name a user."""
    table = TABLES[place]
    found = select(table).where(_names(connection, place, user)).order_by(table.c.id)
    for row in connection.execute(found.execution_options(yield_per=_BATCH_ROWS)):
        yield dict(row._mapping)


def count_rows(connection: Connection, place: str, user: str) -> int:
    """Return how many rows of a place name a user."""
    table = TABLES[place]
    return connection.scalar(select(func.count()).select_from(table).where(_names(connection, place, user))) or 0


def rename_rows(connection: Connection, place: str, user: str, pseudonym: str) -> int:
    """Give a user another name in the rows of a place; return how many there were."""
    table = TABLES[place]
    if _OF_ONE in table.c:
        return connection.execute(update(table).where(table.c[_OF_ONE] == user).values({_OF_ONE: pseudonym})).rowcount
    names = [name for name in _OF_USERS if name in table.c]
    columns = [table.c.id, *(table.c[name] for name in names)]
    rows = connection.execute(select(*columns).where(_names(connection, place, user))).all()
    changed = [
        {"number": row.id, **{f"new_{name}": replaced(row._mapping[name], user, pseudonym) for name in names}}
        for row in rows
    ]
    if changed:
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        connection.execute(update(table).where(table.c.id == bindparam("number")).values(values), changed)
    return len(changed)


def rename_in_indexes(connection: Connection, user: str, pseudonym: str) -> None:
    """Do the same in the indexes of SQLite; that of messages keeps some that are purged for another hour."""
    if connection.dialect.name == "sqlite":
        for table in (recall_item_recipients, message_recipients):
            name = table.name
            renaming = f"UPDATE OR IGNORE {name} SET user_id = :new WHERE user_id = :old"  # noqa: S608
            connection.execute(text(renaming), {"new": pseudonym, "old": user})
            connection.execute(table.delete().where(table.c.user_id == user))


def selections_of(connection: Connection, user: str) -> dict[int, Mapping[str, Any]]:
    """Return the selections that name a user, by the number of their recall."""
    names_some = as_text(recalls.c.selection, Text).contains('"users"')
    rows = connection.execute(select(recalls.c.id, recalls.c.selection).where(names_some).order_by(recalls.c.id))
    return {row.id: row.selection for row in rows if user in row.selection.get("users", ())}


def rename_in_selections(connection: Connection, user: str, pseudonym: str) -> int:
    """Give a user another name in selections, in the same place; return in how many."""
    found = selections_of(connection, user)
    for recall_id, parts in found.items():
        named = {**parts, "users": replaced(parts["users"], user, pseudonym)}
        connection.execute(update(recalls).where(recalls.c.id == recall_id).values(selection=named))
    return len(found)


def rename_in_answers(connection: Connection, change: Callable[[str], str], *, is_rehearsal: bool = False) -> int:
    """Change the answers that are kept for requests which may come twice; return how many are others then."""
    changed = 0
    kept = select(answers.c.scope, answers.c.key, answers.c.body).where(answers.c.body.is_not(None))
    for row in connection.execute(kept).all():
        if (body := change(row.body)) != row.body:
            changed += 1
            mine = and_(answers.c.scope == row.scope, answers.c.key == row.key)
            if not is_rehearsal:
                connection.execute(update(answers).where(mine).values(body=body))
    return changed


def recalls_at_work(connection: Connection, user: str, now: datetime) -> list[tuple[int, str]]:
    """Return the recalls that are not done with a user's messages, and what they are: their state, freezing, sticky."""
    asked, holding = selections_of(connection, user), _recalls_holding(connection, user)
    columns = (
        recalls.c.id,
        recalls.c.status,
        recalls.c.sticky_until,
        recalls.c.unfrozen_items,
        recalls.c.unfrozen_skips,
    )
    found = []
    for row in connection.execute(select(*columns).where(recalls.c.status != Status.PLANNED).order_by(recalls.c.id)):
        if row.status in (Status.RUNNING, Status.PAUSED) and (row.id in holding or row.id in asked):
            found.append((row.id, row.status))
        elif row.id in holding and (row.unfrozen_items or row.unfrozen_skips):
            found.append((row.id, "freezing"))
        elif row.id in asked and row.sticky_until is not None and row.sticky_until > now:
            found.append((row.id, "sticky"))
    return found


def recalls_being_corrected(connection: Connection, user: str) -> list[int]:
    """Return the recalls with a correction that has yet to go to a user, or may be on its way to them."""
    columns = correction_sends.c
    found = select(corrections.c.recall_id).join_from(
        correction_sends, corrections, corrections.c.id == columns.correction_id
    )
    mine = found.where(_names(connection, "corrections", user), columns.outcome.is_(None))
    return sorted(connection.scalars(mine.distinct()))


def _recalls_holding(connection: Connection, user: str) -> set[int]:
    """Return the recalls that took a user's messages, or have yet to copy them."""
    items = select(recall_items.c.recall_id).where(_names(connection, "items", user)).distinct()
    holding = set(connection.scalars(items))
    waiting = plan_messages.of_interest(connection, 0)
    mine = set(connection.scalars(select(messages.c.id).where(_names(connection, "messages", user)))) if waiting else ()
    return holding | {
        one.recall_id for one in waiting if not {*one.messages.taken, *one.messages.skipped}.isdisjoint(mine)
    }


def people_to_keep(connection: Connection) -> Iterator[Sequence[str]]:
    """Yield everybody whom the history names and whose commitment is not kept, some at a time."""
    yield from _some(connection, _everybody(connection.dialect.name))


# Whom recalls name: of all of them, or of those that are shown.
_NAMED = {
    "sqlite": """
        SELECT who.value AS user_id FROM recall_items, json_each(iif(json_valid(recipients), recipients, '[]')) AS who
            WHERE {of_rows}
        UNION SELECT who.value FROM recall_skips, json_each(iif(json_valid(recipients), recipients, '[]')) AS who
            WHERE {of_rows}
        UNION SELECT who.value FROM recall_items, json_each(iif(json_valid(undelivered), undelivered, '{{}}')) AS why,
                                    json_each(why.value) AS who WHERE undelivered <> '{{}}' AND {of_rows}
        UNION SELECT who.value FROM correction_sends, json_each(iif(json_valid(recipients), recipients, '[]')) AS who
            WHERE {of_sends}
        UNION SELECT who.value FROM recalls, json_each(selection, '$.users') AS who
            WHERE selection LIKE '%"users"%' AND {of_recalls}
    """,
    "postgresql": """
        SELECT unnest(recipients) AS user_id FROM recall_items WHERE {of_rows}
        UNION SELECT unnest(recipients) FROM recall_skips WHERE {of_rows}
        UNION SELECT jsonb_array_elements_text(why.value) FROM recall_items, jsonb_each(undelivered) AS why
            WHERE {of_rows}
        UNION SELECT unnest(recipients) FROM correction_sends WHERE {of_sends}
        UNION SELECT jsonb_array_elements_text(selection -> 'users') FROM recalls
            WHERE selection ? 'users' AND {of_recalls}
    """,
}
_NOT_KEPT = {
    "sqlite": "found.user_id NOT IN (SELECT user_id FROM person_commitments) ORDER BY found.user_id",
    "postgresql": "NOT EXISTS (SELECT FROM person_commitments AS kept WHERE kept.user_id = found.user_id)",
}
_SHOWN = "CAST(plan AS TEXT) <> '{}'"


def _everybody(dialect: str) -> str:
    named = _NAMED[dialect].format(of_rows="TRUE", of_sends="TRUE", of_recalls="TRUE")
    return f"SELECT found.user_id FROM ({named}) AS found WHERE {_NOT_KEPT[dialect]}"  # noqa: S608


def forget_commitments(connection: Connection) -> None:
    """Keep no commitment of whom no recall names that is shown."""
    shown = {"of_rows": f"recall_id IN (SELECT id FROM recalls WHERE {_SHOWN})", "of_recalls": _SHOWN}  # noqa: S608
    shown["of_sends"] = f"correction_id IN (SELECT id FROM corrections WHERE {shown['of_rows']})"  # noqa: S608
    staying = _NAMED[connection.dialect.name].format(**shown)
    connection.execute(text(f"DELETE FROM person_commitments WHERE user_id NOT IN ({staying})"))  # noqa: S608


def _some(connection: Connection, statement: str) -> Iterator[Sequence[str]]:
    rows = connection.execute(text(statement).execution_options(yield_per=_BATCH_ROWS))
    for some in rows.partitions(_BATCH_ROWS):
        yield [user for (user,) in some]


def named_in_messages(connection: Connection, user: str) -> ColumnElement[bool]:
    """Return the condition under which a message was for a user, whether it reached them or not."""
    return _names(connection, "messages", user)


def _names(connection: Connection, place: str, user: str) -> ColumnElement[bool]:
    """Say whether a row of a place names a user, as somebody whom it reached or did not."""
    table, is_sqlite = TABLES[place], connection.dialect.name == "sqlite"
    if _OF_ONE in table.c:
        return table.c[_OF_ONE] == user
    if is_sqlite and place in ("messages", "items"):
        by_index = selected_messages if place == "messages" else selected_items
        reached = and_(*by_index(Selection(users=frozenset({user})), is_sqlite=True))  # type: ignore[arg-type]
    elif is_sqlite:
        each = func.json_each(table.c.recipients).table_valued("value")
        reached = select(each.c.value).where(each.c.value == user).exists()
    else:
        reached = table.c.recipients.bool_op("&&")(literal([user], ARRAY(Text)))
    return or_(reached, _did_not_reach(table, user, is_sqlite=is_sqlite)) if "undelivered" in table.c else reached


def _did_not_reach(table: Table, user: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    undelivered = table.c.undelivered
    if not is_sqlite:
        named = f"jsonb_path_exists({table.name}.undelivered, '$.*[*] ? (@ == $who)', jsonb_build_object('who', :who))"
        condition: Any = text(named).bindparams(bindparam("who", user, type_=Text))
        return cast("ColumnElement[bool]", condition)
    why = func.json_each(undelivered).table_valued("value", name="why")
    who = func.json_each(why.c.value).table_valued("value", name="who")
    unreached = select(who.c.value).select_from(why.join(who, true())).where(who.c.value == user).exists()
    return and_(as_text(undelivered, Text) != "{}", unreached)
