"""Help and refusals of the command, as somebody reads them on a terminal of 80 columns."""

from itertools import pairwise
from pathlib import Path

import pytest

from .conftest import Shell

WIDTH = 80


@pytest.mark.parametrize(
    "command", ["audit verify", "audit export", "audit keygen", "person erase", "serve", "policy set"]
)
def test_a_paragraph_of_help_is_folded_at_the_edge_and_nowhere_else(shell: Shell, command: str) -> None:
    shell.variables["COLUMNS"] = str(WIDTH)
    text, *_ = shell(*command.split(), "--help").out.partition("\u256d")
    lines = [line.strip() for line in text.splitlines()]
    assert len(lines) > 3
    for line, after in pairwise(lines):
        # A blank at each side, and one before the next word.
        assert not line or not after or len(line) + len(after.split()[0]) + 3 > WIDTH, (line, after)


def test_a_value_that_is_none_of_those_is_refused_with_them_and_no_more(shell: Shell) -> None:
    ended = shell("token", "create", "--name", "z", "--role", "boss")
    assert (ended.code, "'--role': 'boss' is not one of 'recorder'" in ended.err) == (2, True)


def test_a_file_for_a_token_that_cannot_be_read_is_named_once(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    for name, why in (("none", "No such file or directory"), ("picture", "it is no text"), (".", "Is a directory")):
        ended = shell("approve", "1", "--token-file", str(tmp_path / name))
        assert ended.code == 2
        assert ended.err == f"error: the token cannot be read from {tmp_path / name}: {why}\n"


def test_an_id_of_nobody_may_be_another_spelling_of_somebodys(shell: Shell) -> None:
    ended = shell("person", "erase", "--user", "ZHANG.san", "--reason", "left", "--yes")
    assert (ended.code, "Upper and lower case are two ids" in " ".join(ended.err.split())) == (0, True)
