"""`ledger run`: an unchanged Python sender whose sends are recorded.

This process becomes the sender: its number, signals, exit code, terminal and arguments are the sender's own. What is
added is a place for Python to find our hooks, and a companion beside it.
"""

import os
import re
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from ledger.entrypoints.cli.run_sign import RunSign
from ledger.entrypoints.cli.screen.output import say
from ledger.entrypoints.cli.screen.width import given_environment
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.settings import Settings

NOT_FOUND, NOT_EXECUTABLE = 127, 126
_PYTHON = re.compile(r"(python|pypy)[\d.]*t?")
# With these, Python loads nothing that it is not told to.
_DEAF = {"I": "-I", "E": "-E", "S": "-S"}
_SHEBANG_BYTES = 512
DINGTALK_HOSTS = frozenset({"api.dingtalk.com", "api.dingtalk.io", "oapi.dingtalk.com"})


def run(
    words: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The sender, as in python sender.py.")],
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="The campaign of sends that have no tag of their own.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Which program sends.")] = None,
    pass_secrets: Annotated[
        bool,
        typer.Option(
            "--pass-secrets", help="Leave the ledger's own secrets in its environment, for a sender that uses them."
        ),
    ] = False,
) -> None:
    """Run a Python sender as it is, and record what it sends.

    It sees to httpx, requests, urllib3, aiohttp and the official SDK, in any virtual environment. The exit code is the
    sender's. The ledger's own secrets (LEDGER_APP_SECRET, the password in LEDGER_DATABASE_URL and so on) are not in its
    environment. At the end, a line on stderr says how many sends were recorded, or why none was.
    """
    from ledger.entrypoints.cli import companion, container
    from ledger.entrypoints.cli.inbox import Inbox
    from ledger.entrypoints.cli.own_secrets import without_secrets
    from ledger.settings import Settings

    for name, tag in (("--campaign", campaign), ("--source", source)):
        if tag is not None and not tag.strip():
            raise InputError(f"{name} is empty: leave it out, or say what is meant")
    program = shutil.which(words[0])
    if program is None:
        say(f"error: {words[0]}: no such command")
        raise typer.Exit(NOT_FOUND)
    if note := warning_about(program, words):
        say(f"note: {note}")
    settings = Settings.load()
    sign = RunSign()
    inbox = Inbox.opened()
    courier = inbox.address if inbox is not None else None
    given = given_environment() if pass_secrets else without_secrets(given_environment())
    variables = environment(given, settings, campaign, source, courier) | signed(settings, sign.path)
    if container.is_first_process():
        code = container.stand_beside(lambda: become(program, words, variables), settings, inbox, sign)
        raise typer.Exit(code)
    companion.start(settings, sign, inbox)
    become(program, words, variables)


def signed(settings: "Settings", path: Path | None) -> dict[str, str]:
    """Return what lets recorders leave a sign, and tells them where DingTalk is."""
    from ledger.integrations.running import HOSTS_VARIABLE, SIGN_VARIABLE

    urls = {settings.api_url, *(app.api_url for app in settings.apps.values() if app.api_url)}
    hosts = {parts.netloc if parts.port else parts.hostname or "" for parts in map(urlsplit, urls)}
    return {SIGN_VARIABLE: str(path or ""), HOSTS_VARIABLE: " ".join(sorted(hosts | DINGTALK_HOSTS))}


def environment(
    given: Mapping[str, str],
    settings: "Settings",
    campaign: str | None,
    source: str | None,
    courier: str | None = None,
) -> dict[str, str]:
    """Return the environment of a sender: the given one, and where Python finds what to load first."""
    from ledger import integrations
    from ledger.integrations.running import VARIABLE, described
    from ledger.spool.places import with_last_resort

    home = str(Path(integrations.__file__).parent / "bootstrap")
    others = [path for path in given.get("PYTHONPATH", "").split(os.pathsep) if path and path != home]
    folders = [folder.absolute() for folder in with_last_resort(*settings.spool_folders)]
    tags = (campaign or settings.campaign, source or settings.source)
    detail = described(folders, *tags, courier, keeps_excerpt=settings.keep_excerpt)
    return {**given, "PYTHONPATH": os.pathsep.join([home, *others]), VARIABLE: detail}


def become(program: str, words: Sequence[str], variables: Mapping[str, str]) -> None:
    """Make this process the sender; it only comes back when that cannot be."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        # Python ignores these for itself, and a program that is started would inherit that.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        given = {_bytes(name): _bytes(value) for name, value in variables.items()}
        os.execve(program, [_bytes(word) for word in words], given)  # noqa: S606  (to run a given program is what it is for)
    except OSError as error:
        say(f"error: {words[0]}: {error.strerror}")
        raise typer.Exit(NOT_EXECUTABLE) from None


def _bytes(text: str) -> bytes:
    """Return a text as it came; the locale may have no word for it."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def warning_about(program: str, words: Sequence[str]) -> str | None:
    """Return what somebody should know who expects the sends of a command to be recorded."""
    shebang = _shebang(program)
    if _PYTHON.fullmatch(Path(program).name):
        flags = list(words[1:])
    elif "python" in shebang or "pypy" in shebang:
        flags = shebang.split()[1:]
    else:
        return (
            f"{words[0]} is not Python: of what it starts, Python programs are recorded; other senders need "
            "`ledger gateway`"
        )
    deaf = _deaf_flag(flags)
    return deaf and f"python {deaf} loads nothing but the program, so nothing is recorded: use `ledger gateway`"


def _shebang(program: str) -> str:
    try:
        with Path(program).open("rb") as file:
            start = file.read(_SHEBANG_BYTES)
    except OSError:
        return ""
    if not start.startswith(b"#!"):
        return ""
    # An interpreter with a long path stands in the second line, behind a shell.
    lines = start[2:].decode("utf-8", "replace").splitlines()[:2]
    return lines[0] if "python" in lines[0] or "sh" not in lines[0] else " ".join(lines)


def _deaf_flag(words: Iterable[str]) -> str | None:
    """Return the option of Python, if it stands there, that keeps it from loading our hooks."""
    for word in words:
        if not word.startswith("-") or word in ("-", "--") or word.startswith("--"):
            return None
        for letter in word[1:]:
            if letter in _DEAF:
                return _DEAF[letter]
            if letter in "cmWX":  # what follows is its value
                break
        if word[-1] in "cm":
            return None
    return None
