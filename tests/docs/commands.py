"""The commands that stand on pages: lines of shell, and what they ask of `ledger`, which must take it."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from ledger.entrypoints.cli import app

ROOT_COMMAND: Any = get_command(app)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a script, those that go on joined, without comments."""
    so_far = ""
    for line in text.splitlines():
        so_far += line + "\n"
        try:
            words = shlex.split(so_far, comments=True)
        except ValueError:  # a quote is open
            continue
        if so_far.endswith("\\\n"):
            continue
        if words:
            yield so_far.strip()
        so_far = ""
    assert not so_far.strip() or so_far.lstrip().startswith("#"), so_far


def asked_of_ledger(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each `ledger` that a line of shell runs."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$%.,:@+"
    current: list[str] = []
    for word in [*lexer, ";"]:
        if word and set(word) <= set("();<>|&"):
            while current and (_ASSIGNMENT.match(current[0]) or current[0].endswith("=$")):
                del current[0]
            if current and re.fullmatch(r"(.*/)?ledger", current[0]):
                yield current[1:]
            current = []
        else:
            current.append(word)


def command_of(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the command that some arguments name, and what is left for it."""
    command, rest = ROOT_COMMAND, list(arguments)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    return command, rest


def options_of(command: Any) -> set[str]:
    """Return the options that a command has."""
    return {"--help"} | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


def take(arguments: list[str]) -> None:
    """Have the command read its arguments, and do nothing; raise what it raises for wrong usage."""
    command, rest = command_of(arguments)
    if rest and command is ROOT_COMMAND:
        assert set(rest) <= options_of(command), arguments
    elif command is not ROOT_COMMAND:
        command.make_context(command.name, rest, **command.context_settings)
