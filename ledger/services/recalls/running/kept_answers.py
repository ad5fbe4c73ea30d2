"""Answers that came while the database was away: in a file beside the spool, so that not even a kill loses them.

An answer is asked for once: thrown away, its keys would be asked again, and a second "no" proves nothing. Whoever finds
the file of a process that is gone, on the same machine, settles what stands in it.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from ledger.clock import format_time, parse_time
from ledger.core.answer import Answer, NoAnswer
from ledger.errors import LedgerError
from ledger.services.recalls.running.call_result import Ending, Unsent
from ledger.spool import places, segments
from ledger.spool.frames import read_records
from ledger.spool.segments import Segment
from ledger.store.recalls import calls

ANSWERS = ".answers"

log = logging.getLogger(__name__)

Endings = Sequence[tuple[calls.Call, Ending, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """How a call ended, and when; its number may be that of another one once an older database was restored."""

    call_id: int
    recall_id: int
    keys: tuple[str, ...]
    ending: Ending
    at: datetime

    def is_of(self, call: calls.Call) -> bool:
        """Return whether a call is the one that was answered: that of the same recall, with the same keys."""
        return (self.call_id, self.recall_id, self.keys) == (call.id, call.recall_id, _keys_of(call))


class KeptAnswers:
    """The files of answers in one folder: one of this process, made when it is needed, and those of others.

    Safe to share between threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._segment: Segment | None = None
        self._calls: set[int] = set()

    def keep(self, endings: Endings) -> None:
        """Write down how calls ended, once each; a disk that takes nothing is logged, the answers stay in memory."""
        with self._lock:
            new = [one for one in endings if one[0].id not in self._calls]
            if not new:
                return
            try:
                if self._segment is None:
                    self._segment = segments.create(self._folder, ANSWERS)
                for call, ending, at in new:
                    segments.append(self._segment, _line(call, ending, at))
                segments.sync(self._segment, self._segment.descriptor)
            except OSError as error:
                log.error("answers wait in memory alone, since the spool cannot be written: %s", error)
                return
            self._calls |= {call.id for call, *_ in new}

    def forget(self, endings: Endings) -> None:
        """Forget answers that are in the database now; with the last of them goes the file."""
        with self._lock:
            self._calls -= {call.id for call, *_ in endings}
            if self._segment is not None and not self._calls:
                segments.discard(self._segment)
                self._segment = None

    def adopt(self, settle: Callable[[Sequence[KeptAnswer]], object]) -> None:
        """Settle what processes left that are gone, and delete their files; what `settle` raises leaves them."""
        for path in sorted(self._folder.glob(f"*{ANSWERS}")):
            try:
                with places.opened(path) as file:
                    if segments.is_abandoned(file):
                        settle(_kept(file))
                        path.unlink(missing_ok=True)
            except OSError as error:
                log.error("the answers in %s cannot be taken: %s", path, error)


def _kept(file: BinaryIO) -> list[KeptAnswer]:
    found = []
    for record in (record for _, records in read_records(file) for record in records if not record.is_damaged):
        try:
            found.append(_read(json.loads(record.content)))
        except (ValueError, KeyError, TypeError, LedgerError) as error:
            # Of another version. It holds up no other, and its call is given up for lost as if there were no answer.
            log.error("an answer cannot be read, and its call is in doubt (%s): %r", error, record.content)
    return found


def _line(call: calls.Call, ending: Ending, at: datetime) -> bytes:
    facts: dict[str, Any] = {"kind": type(ending).__name__}
    if isinstance(ending, Answer):
        moment = format_time(ending.server_time) if ending.server_time is not None else None
        facts |= {**asdict(ending), "server_time": moment}
    elif isinstance(ending, NoAnswer):
        facts |= asdict(ending)
    else:
        facts["why"] = ending.why
    whole = {"call": call.id, "recall": call.recall_id, "keys": _keys_of(call), "at": format_time(at), "ending": facts}
    return json.dumps(whole, ensure_ascii=True).encode("ascii")


def _read(record: Mapping[str, Any]) -> KeptAnswer:
    facts = dict(record["ending"])
    kind = facts.pop("kind")
    ending: Ending
    if kind == "Answer":
        moment = facts.pop("server_time")
        ending = Answer(**facts, server_time=parse_time(moment) if moment else None)
    elif kind == "NoAnswer":
        ending = NoAnswer(**facts)
    else:
        ending = Unsent(why=facts["why"])
    return KeptAnswer(
        call_id=record["call"],
        recall_id=record["recall"],
        keys=tuple(record["keys"]),
        ending=ending,
        at=parse_time(record["at"]),
    )


def _keys_of(call: calls.Call) -> tuple[str, ...]:
    return tuple(sorted(item.process_query_key for item in call.items))
