"""`ledger person`: what is stored of somebody is shown, handed out, and erased after a question."""

import json
import sqlite3
import stat
from contextlib import closing

from ledger.entrypoints.cli.screen.erasure import _PLACES
from ledger.simulator import Simulator

from .conftest import Shell

ANN = "ann.7f3a9c51"
ERASE = ("person", "erase", "--user", ANN, "--reason", "left the company")


def test_an_erasure_says_first_what_it_will_do_and_asks(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, users=[ANN, "bob"], campaign="spring")
    assert shell("recall", "--campaign", "spring", "--reason", "wrong link", "--yes").code == 0
    refused = shell(*ERASE)
    assert (refused.code, refused.out) == (10, "")
    assert "2 messages that can still be recalled" in refused.err
    assert "2 messages in recalls" in refused.err
    assert shell.typed("n", *ERASE).code == 10
    assert ANN in (shell("history", "--json").out)
    done = shell.typed("y", *ERASE)
    assert (done.code, "Erased, and shown as erased-" in done.out) == (0, True)
    assert "backups" in done.out
    assert ANN not in shell("history", "--json").out + shell("show", "1", "--json").out + done.out
    assert "erased-" in shell("history", "--csv").out
    assert shell("verify").code == 0
    assert not [path for path in shell.folder.rglob("*") if path.is_file() and ANN.encode() in path.read_bytes()]


def test_every_place_that_may_hold_a_person_has_words_of_its_own(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, users=[ANN, "bob"], campaign="spring")
    shell("recall", "--campaign", "spring", "--reason", "wrong link", "--yes")
    text = ("--msg-key", "sampleText", "--msg-param", '{"content": "the right link"}')
    assert shell("correct", "1", *text, "--reason", "the right link", "--yes").code == 0
    done = shell(*ERASE, "--yes")
    assert (done.code, "1 call of corrections" in done.err, "1 call of corrections" in done.out) == (0, True, True)
    places = shell("person", "erase", "--user", "bob", "--reason", "left", "--yes", "--json").json["places"]
    assert places["corrections"] == 1
    assert set(places) <= set(_PLACES)


def test_json_is_one_document_of_what_was_erased(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, users=[ANN])
    assert shell(*ERASE, "--json").json["error"]["code"] == "not_confirmed"
    done = shell(*ERASE, "--json", "--yes")
    assert (done.code, done.json["places"]["messages"], done.json["left"]) == (0, 3, None)
    again = shell(*ERASE, "--yes")
    assert (again.code, again.out) == (0, "Nothing was erased.\n")


def test_what_somebody_wrote_about_the_person_is_told(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, users=[ANN], campaign="spring")
    shell("recall", "--campaign", "spring", "--reason", f"{ANN} complained", "--yes")
    done = shell(*ERASE, "--yes")
    assert "The id is mentioned in recalls.reason (1): texts are left as they are." in done.err
    named = shell("person", "erase", "--user", "bob", "--reason", "bob asked", "--yes")
    assert (named.code, "the reason names the person" in named.err) == (2, True)


def test_a_person_gets_all_that_is_stored_of_them_and_nothing_of_others(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, users=[ANN, "bob"], campaign="spring")
    shell("recall", "--user", ANN, "--include-shared", "--reason", "wrong link", "--yes")
    found = shell("person", "export", "--user", ANN)
    assert (found.code, "bob" in found.out) == (0, False)
    assert [len(found.json[place]) for place in ("messages", "items", "selections")] == [2, 2, 1]
    assert {one["outcome"] for one in found.json["items"]} == {"recalled"}
    file = shell.folder / "ann.json"
    file.write_text("old")
    file.chmod(0o644)
    written = shell("person", "export", "--user", ANN, "-o", str(file))
    assert (written.code, written.out, stat.S_IMODE(file.stat().st_mode)) == (0, "", 0o600)
    assert json.loads(file.read_text()) == found.json
    assert shell("verify").code == 0
    nowhere = shell("person", "export", "--user", ANN, "-o", str(shell.folder / "no" / "file"))
    assert (nowhere.code, "cannot be written" in nowhere.err) == (2, True)
    with closing(sqlite3.connect(shell.folder / "ledger.sqlite")) as connection:
        (handed_out,) = connection.execute("SELECT count(*) FROM history WHERE event = 'person_exported'").fetchone()
    assert handed_out == 2, "what could not be written was not handed out"
