"""Tokens and sessions: who asks. What is handed out is random and shown once; the database holds digests of it.

A plain SHA-256 is enough for that: a slow, salted hash protects words that people choose, but nobody guesses 256
random bits, and every request looks a token up.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.clock import Clock
from ledger.core.access.actors import check_person, is_ours, likeness
from ledger.core.access.bounds import ANY_END
from ledger.core.access.roles import Identity, Role
from ledger.core.json_value import JsonValue
from ledger.core.limits import check_text
from ledger.errors import DatabaseUnavailableError, InputError, UnauthenticatedError, UnknownTokenError
from ledger.services.access.known_tokens import KnownTokens
from ledger.services.access.shared_question import SharedQuestion
from ledger.settings import Settings
from ledger.store.access import tokens
from ledger.store.access.tokens import ServiceToken
from ledger.store.audit import history
from ledger.store.database import Database

SHOWN_CHARACTERS = 12
NAME_MAX_CHARACTERS = 64
NOTED_EVERY = timedelta(minutes=1)
_FORM_KEY_BYTES = 32
_MARK = "ledger_"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken(JsonValue):
    """A token just made: `secret` is what its holder sends, and it is never shown again."""

    secret: str
    token: ServiceToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in just made: `secret` goes into the browser's cookie."""

    secret: str
    identity: Identity
    expires_at: datetime


class ServiceTokens:
    """Makes and revokes tokens, and says who holds one."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, known: KnownTokens) -> None:
        self._database, self._clock, self._known = database, clock, known
        self._session_lasts = timedelta(hours=settings.session_hours)
        self._exist: bool | None = None
        self._whether_any_exists = SharedQuestion(self._ask_whether_any_exists)
        self._who_holds = SharedQuestion(self._ask_who_holds)

    def create(
        self,
        name: str,
        role: Role,
        *,
        owner: str | None = None,
        robots: Collection[str] = (),
        campaigns: Collection[str] = (),
        actor: str,
    ) -> NewToken:
        """Make a token; its name is the actor of what is done with it. Raise InputError for a name that is taken.

        Its owner is the person who holds it, the same as its name unless told: all tokens of one are one person.
        """
        name = _checked_name("the token", name)
        owner = name if owner is None else _checked_name("the owner", owner)
        bound, limited = _checked_robots(robots), _checked_campaigns(campaigns)
        secret = _MARK + secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._database.write() as connection:
            _check_new(name, tokens.names_that_work(connection))
            token = tokens.create(
                connection,
                name=name,
                role=role,
                robots=bound,
                owner=owner,
                campaigns=limited,
                prefix=secret[:SHOWN_CHARACTERS],
                digest=digest_of(secret),
                created_by=actor,
                created_at=now,
            )
            if token is None:
                raise _taken(name, name)
            facts = {
                "token": token.id,
                "name": name,
                "role": role.value,
                "robots": list(bound),
                "owner": owner,
                "campaigns": list(limited) or None,
                "prefix": token.prefix,
                "digest": digest_of(secret),
            }
            entry = history.Entry(at=now, event="token_created", actor=actor, recall_id=None, detail=facts)
            history.append(connection, [entry])
            working = tokens.working(connection)
        self._known.keep(working, only_anew=True)
        return NewToken(secret=secret, token=token)

    def create_first(self, *, actor: str) -> NewToken | None:
        """Make an admin's token for whoever starts the service first; None where there was ever a token."""
        if self.any_exists():
            return None
        try:
            # A system's user may well be called as nobody can be here.
            name = Role.ADMIN.value if is_ours(actor) else actor[:NAME_MAX_CHARACTERS]
            return self.create(name, Role.ADMIN, actor=actor)
        except InputError:
            if self.any_exists():  # another process was quicker
                return None
            raise

    def listed(self) -> list[ServiceToken]:
        """Return all tokens, also revoked ones."""
        with self._database.read() as connection:
            return tokens.listed(connection)

    def revoke(self, name: str, *, actor: str) -> ServiceToken:
        """Make a token stop working at once, everywhere; who signed in with it is signed out."""
        now = self._clock.now()
        with self._database.write() as connection:
            token = tokens.revoke(connection, name, now)
            if token is None:
                raise UnknownTokenError(f"no token named {name!r} works: `ledger token list` shows them all")
            facts = {"token": token.id, "name": name}
            entry = history.Entry(at=now, event="token_revoked", actor=actor, recall_id=None, detail=facts)
            history.append(connection, [entry])
            working = tokens.working(connection)
        self._known.keep(working, only_anew=True)
        return token

    def any_works(self) -> bool:
        """Say whether anybody could sign in."""
        with self._database.read() as connection:
            return tokens.any_works(connection)

    def any_exists(self) -> bool:
        """Say whether a token was ever made: from then on nobody is let in without one."""
        if not self._exist:
            try:
                self._exist = self._whether_any_exists.answer(None) or bool(self._exist)
            except DatabaseUnavailableError:
                if self._exist is None:
                    raise
        return bool(self._exist)

    def _ask_whether_any_exists(self, _: object) -> dict[None, bool]:
        with self._database.read() as connection:
            return {None: tokens.any_exists(connection)}

    def identify(self, secret: str) -> Identity:
        """Return who holds a token; raise UnauthenticatedError when it does not work."""
        token = self._who_holds.answer(digest_of(secret))
        if token is None:
            raise UnauthenticatedError("this token is unknown or was revoked: `ledger token create` makes one")
        self._note_use(token)
        return token.identity

    def _ask_who_holds(self, digests: Collection[str]) -> dict[str, ServiceToken | None]:
        with self._database.read() as connection:
            found = tokens.find(connection, digests)
            working = tokens.working(connection) if self._known.is_due else None
        if working is not None:
            self._known.keep(working)
        return {digest: found.get(digest) for digest in digests}

    def sign_in(self, secret: str) -> Session:
        """Open a session for who holds a token; raise UnauthenticatedError when it does not work."""
        identity = self.identify(secret.strip())
        assert identity.token_id is not None  # noqa: S101  (it came from a token)
        own, now = secrets.token_urlsafe(32), self._clock.now()
        expires_at = now + self._session_lasts
        with self._database.write() as connection:
            tokens.open_session(connection, digest_of(own), identity.token_id, now, expires_at)
        return Session(secret=own, identity=identity, expires_at=expires_at)

    def identify_session(self, secret: str) -> Identity:
        """Return who is signed in; raise UnauthenticatedError when the session is over or its token was revoked."""
        with self._database.read() as connection:
            token = tokens.find_session(connection, digest_of(secret), self._clock.now())
        if token is None:
            raise UnauthenticatedError("you are not signed in any more: sign in again")
        self._note_use(token)
        return token.identity

    def sign_out(self, secret: str) -> None:
        """End a session."""
        with self._database.write() as connection:
            tokens.close_session(connection, digest_of(secret))

    def _note_use(self, token: ServiceToken) -> None:
        """Note when a token was used last, now and then only: a write for every request would cost more than it."""
        now = self._clock.now()
        before = now - NOTED_EVERY
        if token.last_used_at is not None and token.last_used_at >= before:
            return
        # Who may come in is known already: nobody is turned away because this cannot be written.
        with suppress(DatabaseUnavailableError), self._database.write() as connection:
            tokens.touch(connection, token.id, now, before)


def digest_of(secret: str) -> str:
    """Return what the database knows of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def form_key_of(session_secret: str) -> str:
    """Return what forms of a session carry, which no other site can know (against forged requests).

    It is another one each time, over a mask that stands before it: pages are compressed, and whoever could put texts
    into them would learn, from their lengths, a secret that is the same in all of them (BREACH).
    """
    mask = secrets.token_bytes(_FORM_KEY_BYTES)
    return (mask + _masked(_form_key(session_secret), mask)).hex()


def is_form_key(given: str, session_secret: str) -> bool:
    """Say whether a form came from our pages; takes as long for a nearly right key as for a wrong one."""
    try:
        both = bytes.fromhex(given)
    except ValueError:
        return False
    mask, masked = both[:_FORM_KEY_BYTES], both[_FORM_KEY_BYTES:]
    if len(masked) != _FORM_KEY_BYTES:
        return False
    return secrets.compare_digest(_masked(masked, mask), _form_key(session_secret))


def _form_key(session_secret: str) -> bytes:
    return bytes.fromhex(digest_of("form:" + session_secret))


def _masked(text: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(text, mask, strict=True))


def _checked_name(what: str, name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_MAX_CHARACTERS or not name.isprintable():
        raise InputError(
            f"{what} needs a name of 1 to {NAME_MAX_CHARACTERS} characters that people see: the history keeps it"
        )
    return check_person(what, name)


def _check_new(name: str, working: Collection[str]) -> None:
    """Raise InputError when people could not tell a name from that of a token that works."""
    alike = next((other for other in working if likeness(other) == likeness(name)), None)
    if alike is not None:
        raise _taken(name, alike)


def _taken(name: str, other: str) -> InputError:
    looks = "" if name == other else f", which looks like {name!r}"
    return InputError(f"a token named {other!r} works already{looks}: revoke it first, or take another name")


def _checked_robots(robots: Collection[str]) -> Sequence[str]:
    if any(not robot.strip() for robot in robots):
        raise InputError("a robot is named by its robotCode: this one is empty")
    return sorted({check_text("the robot", robot) for robot in robots})


def _checked_campaigns(campaigns: Collection[str]) -> Sequence[str]:
    if any(not one.strip() for one in campaigns):
        raise InputError("a campaign has a name, or a beginning of one as in 'spring-*': this one is empty")
    if any(not one.strip(ANY_END) for one in campaigns):
        raise InputError(f"{ANY_END!r} stands for every campaign: a token without --campaign has them all")
    if (odd := next((one for one in campaigns if ANY_END in one.removesuffix(ANY_END)), None)) is not None:
        raise InputError(f"{odd!r} would be no beginning: a star stands for all that follows, at the end of a name")
    return sorted({check_text("the campaign", one) for one in campaigns})
