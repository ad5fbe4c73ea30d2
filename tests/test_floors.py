"""The floors of the house: imports only go down, and each kind of work has one place."""

import ast
import os
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "ledger"
# The demonstration, which plays an existing sender, and the tool for tests.
PLAYERS = {"entrypoints/cli/commands/demo.py", "entrypoints/cli/demo_story.py", "testing.py"}
HEAVY = ("sqlalchemy", "alembic", "httpx", "pydantic", "fastapi", "typer", "rich", "alibabacloud")
# What is loaded by whoever comes to use it.
LATE = (
    "alembic",
    "httpx",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
    "ledger.dingtalk",
    "ledger.integrations.clients",
)
CORE_OF_SENDERS = (
    *("bodies", "limits", "never_left", "events/message_events"),
    *(f"recording/{name}" for name in ("capture", "deliveries", "excerpt", "expiry", "message", "send_calls")),
)
SPOOL_OF_SENDERS = ("courier", "frames", "journal", "lines", "places", "segments", "sends", "steps")
# What `ledger run` loads into the programs of others, beside the integrations.
LOADED_INTO_SENDERS = [
    *(HOUSE / name for name in ("clock.py", "errors.py")),
    *(HOUSE / "core" / f"{name}.py" for name in CORE_OF_SENDERS),
    *(HOUSE / "spool" / f"{name}.py" for name in SPOOL_OF_SENDERS),
]
# What services may hold of SQLAlchemy: the transaction that they own.
HELD_BY_SERVICES = {"Connection"}


def modules(folder: str = ".") -> list[Path]:
    """Return the files of a part of the house."""
    found = sorted((HOUSE / folder).rglob("*.py"))
    assert found
    return found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all that a file does; what stands there for the type checker alone is left out."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from statements(child)


def content(path: Path) -> list[ast.AST]:
    """Return all that a file does."""
    return list(statements(ast.parse(path.read_text("utf-8"))))


# What is asked of every file by many tests is read out of it once; its tree, which is large, is not kept.
@cache
def imported(path: Path) -> tuple[tuple[str, str], ...]:
    """Return each module that a file imports, anywhere in it, with each name taken from there."""
    found: list[tuple[str, str]] = []
    for node in content(path):
        if isinstance(node, ast.Import):
            found += ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += ((node.module or "", alias.name) for alias in node.names)
    return tuple(found)


def at_the_top(path: Path) -> Iterator[str]:
    """Yield each module that a file imports by name as soon as it is loaded."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


@cache
def called(path: Path) -> frozenset[str]:
    """Return what a file calls, as it is written there."""
    return frozenset(ast.unparse(node.func) for node in content(path) if isinstance(node, ast.Call))


def importers_of(package: str) -> set[str]:
    """Return the files that import a package."""
    return {
        path.relative_to(HOUSE).as_posix()
        for path in modules()
        if any(name == package or name.startswith(f"{package}.") for name, _ in imported(path))
    }


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter at the top of the repository."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_contracts_between_the_floors_hold() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    done = run_python("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(wanted)} kept, 0 broken." in done.stdout


@pytest.mark.parametrize("statement", ["import ledger", "import ledger.simulator"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    done = run_python("-c", f"import sys; {statement}; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "ledger" in loaded
    assert not [name for name in loaded if name.startswith(HEAVY)]


def test_the_facade_loads_the_room_that_records_and_no_other() -> None:
    done = run_python("-c", "import sys; from ledger import Ledger; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    # `access` says who is at work, where nobody signs in.
    assert {name.split(".")[2] for name in loaded if name.startswith("ledger.services.")} == {"recording", "access"}
    assert not [name for name in loaded if name.startswith(LATE)]


def test_importing_opens_nothing() -> None:
    opened = "lambda event, args: event in ('socket.connect', 'sqlite3.connect') and print('opened', event)"
    done = run_python("-c", f"import sys; sys.addaudithook({opened}); import ledger, ledger.app; print('done')")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_what_is_asked_of_the_package_is_loaded_then() -> None:
    done = run_python("-c", "import ledger; print(ledger.Settings.__module__, ledger.Ledger.__module__)")
    assert done.stdout.split() == ["ledger.settings", "ledger.app"]


def test_only_the_client_makes_requests() -> None:
    found = importers_of("httpx")
    assert "dingtalk/client.py" in found
    assert {path for path in found - PLAYERS if not path.startswith(("dingtalk/", "integrations/"))} == set()
    for package in ("requests", "aiohttp", "urllib3", "http.client", "urllib.request"):
        # The requests of others go through one that holds hundreds in flight.
        forwards = {"dingtalk/forwarder.py"} if package == "aiohttp" else set()
        found = {path for path in importers_of(package) if not path.startswith("integrations/")}
        assert found == forwards


def test_what_events_need_is_loaded_by_whoever_listens_and_by_nobody_else() -> None:
    assert importers_of("websockets") == {"dingtalk/stream.py", "simulator/stream_door.py"}
    loading = "import ledger.parts, ledger.scheduler, ledger.services.events.stream, ledger.dingtalk.stream"
    done = run_python("-c", f"{loading}, ledger.simulator, sys; print('websockets' in sys.modules)")
    assert done.stdout.split() == ["False"]


def test_a_hook_loads_a_library_only_where_somebody_uses_it() -> None:
    libraries = {"httpx", "requests", "urllib3", "aiohttp", "multidict"}
    assert {name for path in modules("integrations") for name in at_the_top(path)}.isdisjoint(libraries)


def test_what_a_foreign_sender_loads_is_relative_and_of_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"sitecustomize"}
    files = [*modules("integrations"), *LOADED_INTO_SENDERS]
    strange = {
        (path.relative_to(HOUSE).as_posix(), name)
        for path in files
        for name in at_the_top(path)
        if name.partition(".")[0] not in allowed
    }
    assert strange == set()
    hooks = "clients, running, feed"
    load = (
        "import sys, types, importlib; package = types.ModuleType('_private'); package.__path__ = [sys.argv[1]]; "
        "sys.modules['_private'] = package; "
        f"[importlib.import_module('_private.integrations.' + name) for name in '{hooks}'.split(', ')]; "
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('_private.')))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", load, str(HOUSE)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {Path(path) for path in done.stdout.split()} <= {*files, *HOUSE.rglob("__init__.py")}


def test_only_the_door_for_agents_loads_their_library_and_nobody_loads_that_door_without_need() -> None:
    command = "entrypoints/cli/commands/mcp.py"
    theirs = {path for path in importers_of("mcp") if not path.startswith("entrypoints/agents/")}
    assert theirs == {command}
    outside = {path for path in importers_of("ledger.entrypoints.agents") if not path.startswith("entrypoints/agents/")}
    assert outside == {command}
    assert not [name for name in at_the_top(HOUSE / command) if name.startswith(("mcp", "ledger.entrypoints.agents"))]


def test_only_the_store_writes_sql() -> None:
    found = importers_of("sqlalchemy")
    assert "store/recording/messages.py" in found
    elsewhere = {
        (path, name)
        for path in found
        if not path.startswith("store/")
        for module, name in imported(HOUSE / path)
        if module.partition(".")[0] == "sqlalchemy" and name not in HELD_BY_SERVICES
    }
    assert elsewhere == set()
    assert not [path for path in found if path.startswith(("core/", "dingtalk/", "entrypoints/", "simulator/"))]
    assert {
        path for path in importers_of("alembic") | importers_of("sqlite3") if not path.startswith("store/")
    } == set()


def test_no_statement_is_hidden_in_a_text_outside_the_store() -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA ")
    found = [
        (path.relative_to(HOUSE).as_posix(), node.value)
        for path in modules()
        if HOUSE / "store" not in path.parents
        for node in content(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(verbs)
    ]
    assert found == []


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: path.stem)
def test_a_pure_rule_reads_no_clock_and_opens_nothing(path: Path) -> None:
    forbidden = {"time", "random", "secrets", "socket", "threading", "os", "pathlib", "subprocess", "logging", "uuid"}
    assert {name.partition(".")[0] for name, _ in imported(path)}.isdisjoint(forbidden)
    assert not [name for name in called(path) if name.endswith((".now", ".utcnow", ".today")) or name == "open"]


@pytest.mark.parametrize("folder", ["services", "store", "dingtalk", "core"])
def test_below_the_doors_nobody_but_the_clock_reads_the_machines_time_or_sleeps(folder: str) -> None:
    asking = {"datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.sleep"}
    assert called(HOUSE / "clock.py") & asking == {"datetime.now", "time.sleep"}
    assert [path.name for path in modules(folder) if called(path) & asking] == []


def classes() -> Iterator[tuple[str, str]]:
    """Yield every class of the house with its file; what the API gives and the simulator plays have their own words."""
    for path in modules():
        place = path.relative_to(HOUSE).as_posix()
        if place != "entrypoints/api/models.py" and not place.startswith("simulator/"):
            yield from ((node.name, place) for node in content(path) if isinstance(node, ast.ClassDef))


def test_no_class_name_has_two_meanings() -> None:
    places = defaultdict[str, set[str]](set)
    count = Counter[str]()
    for name, place in classes():
        places[name].add(place)
        count[name] += 1
    assert len(places) > 100
    assert {name: places[name] for name in places if count[name] > 1} == {}


def test_a_report_opens_no_transaction_that_writes() -> None:
    assert ".read" in "".join(sorted(called(HOUSE / "services/reports/recalls.py")))
    writing = {path.name: name for path in modules("services/reports") for name in called(path) if is_writing(name)}
    assert writing == {}


def is_writing(call: str) -> bool:
    """Say whether a call, as it is written, opens a transaction that writes."""
    return call.rpartition(".")[2] == "write"


def test_doors_take_the_parts_and_leave_the_facade_to_programs() -> None:
    assert {path for path in importers_of("ledger.app") if path.startswith("entrypoints/")} <= PLAYERS
    assert {path for path in importers_of("ledger.store") if path.startswith("entrypoints/")} <= {
        # The tables themselves are what this one is for.
        "entrypoints/cli/commands/db.py"
    }


def test_a_recall_is_looked_up_for_somebody_in_one_place() -> None:
    assert [path.name for path in modules() if any(name.endswith("check_within") for name in called(path))] == [
        "proof.py",
        "seen_recall.py",
    ]
    makes = [path.name for path in modules("entrypoints") if "SeenRecall" in called(path)]
    assert makes == ["seen_recall.py"]
