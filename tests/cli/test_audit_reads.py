"""`ledger audit reads`: who read the audit over HTTP, as a table and as JSON."""

from datetime import UTC, datetime

from ledger import Ledger, Settings
from ledger.core.audit.reads import Read

from .conftest import Shell


def test_it_shows_who_read_what_newest_first(shell: Shell) -> None:
    shell.variables["COLUMNS"] = "120"
    assert "nobody has read" in shell("audit", "reads").err
    with Ledger(Settings.load(database_url=f"sqlite:///{shell.folder / 'ledger.sqlite'}")) as book:
        for number, filters in ((7, {}), (None, {"campaign": ("spring",), "user": ("ann",)})):
            route = "/v1/recalls/{id}" if number else "/v1/history"
            at = datetime.now(UTC)
            book.parts.read_log.note(
                Read(at=at, actor="zhou", route=route, recall_id=number, filters=filters, rows=1200)
            )
        book.parts.read_log.flush()
    lines = shell("audit", "reads").out.splitlines()
    assert "/v1/history campaign=spring user=" in lines[1]
    assert "ann" not in lines[1]
    assert ("/v1/recalls/7" in lines[2], "1,200" in lines[2]) == (True, True)
    found = shell("audit", "reads", "--json", "--limit", "1").json
    assert [(one["actor"], one["route"], one["rows"], one["times"]) for one in found] == [
        ("zhou", "/v1/history", 1200, 1)
    ]
