"""Whatever is set and typed: every command ends with a code of the contract, in one line, and never as a surprise."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.entrypoints.cli import app
from ledger.settings import Settings
from tests.fuzzing import fuzzed

from .conftest import Shell

CODES = {0, 1, 2, 3, 4, 5, 10, 130}
# These run until they are stopped, become another program, or take half a minute.
_LONG = {"demo", "gateway", "mcp", "run", "serve", "simulator", "watch", "worker"}


def _commands(command: Any, words: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return every command that does something, by the words that name it."""
    children = getattr(command, "commands", None)
    if not children:
        return {words: command}
    found: dict[tuple[str, ...], Any] = {}
    for name, child in children.items():
        if not words and name in _LONG:
            continue
        found |= _commands(child, (*words, name))
    return found


COMMANDS = _commands(typer.main.get_command(app))
NASTY = [
    *("", " ", "0", "-1", "1e9", "nan", "inf", "9" * 30, "true", "null", "*", "%", "%s", "--", "-"),
    *("/", "~", ".", "..", "./x", "/dev/null", "/nowhere/x", "/proc/self/mem", "x" * 2000),
    *("春季", "a\nb", "\x1b[31m", "\u202e", "🙂", "\udcff", "{}", "[]", "[1]", '{"a":{"robots":["x"]}}'),
    *("2026-03-01", "2026-03-01T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "24h"),
    *("http://[::1", "sqlite://", "postgres://u:p@x:y", "'; DROP TABLE messages; --"),
]
values = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_characters="\x00"), max_size=12))
SETTINGS = sorted(f"LEDGER_{name.upper()}" for name in Settings.model_fields)
OTHERS = ["LEDGER_CONFIG", "LEDGER_ACTOR", "NO_PROXY", "HTTPS_PROXY", "ALL_PROXY", "TZ", "COLUMNS", "TERM", "LANG"]
OTHERS += ["SSL_CERT_FILE", "TMPDIR", "NO_COLOR", "FORCE_COLOR", "LEDGER_XYZZY", "PAGER", "EDITOR"]
# What would lead a command away from this machine, or keep it waiting for an answer, is for other tests.
_LEFT_ALONE = {"LEDGER_API_URL", "LEDGER_SPOOL_DIR", "LEDGER_DATABASE_PATIENCE_SECONDS"}


def _as_variable(text: str) -> str:
    """Return a text as a variable can hold it: bytes, of whatever encoding."""
    how = "surrogateescape" if "\udcff" in text else "replace"
    return text.encode("utf-8", how).decode("utf-8", "surrogateescape")


variables = st.dictionaries(
    st.sampled_from([name for name in SETTINGS + OTHERS if name not in _LEFT_ALONE]),
    values.map(_as_variable),
    max_size=3,
)


@st.composite
def words_of(draw: st.DrawFn, name: tuple[str, ...]) -> list[str]:
    """Draw arguments for a command: its own options and others, with any value, in any order."""
    options = [
        (option, parameter)
        for parameter in COMMANDS[name].params
        for option in (*getattr(parameter, "opts", ()), *getattr(parameter, "secondary_opts", ()))
        if option.startswith("-")
    ]
    words: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 4))
        if kind == 0 or not options:
            words.append(draw(values))
            continue
        option, parameter = draw(st.sampled_from(options))
        words.append(option)
        if not getattr(parameter, "is_flag", False) and kind != 1:
            words.append(draw(values))
    return words


@pytest.fixture
def calm(shell: Shell) -> Shell:
    """A ledger with a few messages, whose endpoint refuses at once and whose waits are short."""
    shell.variables |= {"LEDGER_API_URL": "http://127.0.0.1:1", "LEDGER_SPOOL_DIR": str(shell.folder / "spool")}
    shell.variables |= {"LEDGER_DATABASE_PATIENCE_SECONDS": "0", "XDG_DATA_HOME": str(shell.folder)}
    return shell


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_a_command_ends_as_the_contract_says_whatever_it_is_given(calm: Shell, name: tuple[str, ...]) -> None:
    before, folder = dict(calm.variables), Path.cwd()
    os.chdir(calm.folder)

    @fuzzed(12)
    @given(words_of(name), variables)
    @example([], {"LEDGER_DATABASE_URL": "~"})
    @example(["--json"], {"LEDGER_CONFIG": "."})
    def ends_well(words: list[str], given_variables: dict[str, str]) -> None:
        calm.variables = before | given_variables
        ended = calm(*name, *words, stdin="")
        said = ended.err + ended.out
        assert ended.code in CODES, (words, given_variables, said)
        assert "unexpected" not in said, (words, given_variables, said)
        assert "Traceback" not in said, (words, given_variables, said)
        if "--json" in words and ended.code == 2:
            assert set(json.loads(ended.out)) == {"error"}

    try:
        ends_well()
    finally:
        os.chdir(folder)
