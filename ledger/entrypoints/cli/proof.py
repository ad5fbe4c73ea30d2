"""Who works at the command line, proven by a token of the service where somebody has one."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.access.roles import Identity, Permission
from ledger.errors import InputError, UnreadableFileError
from ledger.services.access.actor import who_shows

if TYPE_CHECKING:
    from ledger.parts import Parts

_MOST_CHARACTERS = 1000
TokenFile = Annotated[
    str | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Your token of the service is in it (- is stdin), and proves who you are. Without: LEDGER_TOKEN.",
    ),
]


def who_is(
    parts: "Parts", permission: Permission, actor: str | None, token_file: str | None, recall_id: int | None = None
) -> Identity:
    """Return who does something; a token that is bound opens only recalls that are within its bounds."""
    token = read_token(token_file) if token_file is not None else None
    identity = who_shows(parts.service_tokens, permission, actor, token)
    if recall_id is not None:
        parts.pages.check_within(recall_id, identity)
    return identity


def read_token(name: str) -> str:
    """Return the token that a file holds; raise InputError for what holds none."""
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as file:
            token = file.read(_MOST_CHARACTERS).strip()
    except OSError as error:
        raise UnreadableFileError(f"the token cannot be read from {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableFileError(f"the token cannot be read from {name}: it is no text") from None
    if not token:
        raise InputError(f"{name} holds no token")
    return token
