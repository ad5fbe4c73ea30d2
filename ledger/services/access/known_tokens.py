"""Which tokens worked when the database was last asked: kept beside the spool, for a service that starts without it.

Whoever holds one may hand in what was sent, and nothing else: that waits in the spool, and a key must not be lost
because nobody can ask who sends it. The file has digests of random secrets, which open nothing.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from ledger.clock import Clock, format_time, parse_time
from ledger.core.access.roles import Identity, Role
from ledger.core.recording.message import RobotCode
from ledger.errors import InputError
from ledger.spool import places

KNOWN_TOKENS = "known-tokens.json"
KEPT_EVERY = timedelta(minutes=1)
# As long as what is sent can be recalled. Who was revoked meanwhile, with nobody here to see it, is believed as well.
BELIEVED_FOR = timedelta(hours=24)

Identities = Mapping[str, Identity]
_Kept = tuple[datetime, Identities]


class KnownTokens:
    """Keeps who holds the tokens that work, by digest; safe to share between threads and processes."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path, self._clock = folder / KNOWN_TOKENS, clock
        # For when the file cannot be written, or was not by this user.
        self._last: _Kept | None = None

    @property
    def is_due(self) -> bool:
        """Say whether it is time to keep them again."""
        return self._last is None or self._clock.now() - self._last[0] >= KEPT_EVERY

    def keep(self, working: Identities, *, only_anew: bool = False) -> None:
        """Keep all tokens that work now, in place of those before; `only_anew` where that is kept already."""
        if only_anew and not self._path.exists():
            return
        self._last = self._clock.now(), working
        unborn = self._path.with_name(f"{KNOWN_TOKENS}.{uuid4().hex}")
        with suppress(OSError):  # the spool is looked after by those who write keys there
            places.make(self._path.parent)
            try:
                descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    json.dump(_written(*self._last), file)
                unborn.replace(self._path)
            except OSError:
                unborn.unlink(missing_ok=True)

    def find(self, digest: str) -> Identity | None:
        """Return who holds the token with a digest, as far as that is known and still believed."""
        known = [kept for kept in (self._last, self._read()) if kept is not None]
        if not known:
            return None
        at, identities = max(known, key=lambda kept: kept[0])
        return identities.get(digest) if self._clock.now() - at <= BELIEVED_FOR else None

    def _read(self) -> _Kept | None:
        try:
            with places.opened(self._path) as file:
                return _read_from(json.load(file))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, InputError):
            # There is none, or somebody else wrote it.
            return None


def _written(at: datetime, identities: Identities) -> dict[str, object]:
    tokens = {
        digest: {
            "id": one.token_id,
            "name": one.name,
            "role": one.role.value,
            "robots": sorted(one.robots),
            "campaigns": sorted(one.campaigns),
        }
        for digest, one in identities.items()
    }
    return {"at": format_time(at), "tokens": tokens}


def _read_from(fields: Mapping[str, Mapping[str, Mapping[str, object]]]) -> _Kept:
    identities = {
        digest: Identity(
            name=str(one["name"]),
            role=Role(str(one["role"])),
            robots=frozenset(RobotCode(robot) for robot in one["robots"]),  # type: ignore[attr-defined]
            # A file that an earlier release wrote knows no campaigns, and such a token has none.
            campaigns=frozenset(map(str, one.get("campaigns", ()))),  # type: ignore[call-overload]
            token_id=int(one["id"]),  # type: ignore[call-overload]
        )
        for digest, one in fields["tokens"].items()
    }
    return parse_time(str(fields["at"])), identities
