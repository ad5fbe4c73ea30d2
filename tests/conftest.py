"""Fixtures for the whole suite: both databases, a fake clock, a simulated DingTalk, and no network but loopback."""

import gc
import importlib
import logging
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import ledger
from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.services.recording.group_writer import GroupWriter
from ledger.simulator import World
from ledger.store import migrate
from ledger.store.database import Database
from ledger.testing import InlineExecutor, WorldTransport
from tests.compiled_statements import share_compiled_statements
from tests.databases import PostgreSQL, postgresql_server

# Next to nothing of what is loaded is garbage; pytest_collection_finish looks once.
gc.disable()

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSTGRESQL_FOLDER = pytest.StashKey[Path]()
# Every client reads all certificates that it trusts, which takes longer than most tests: here it is one, of nobody.
CERTIFICATES = Path(__file__).parent / "nobody.pem"
TAKE_LONG = tuple(Path(__file__).parent / name for name in ("processes", "world", "doors", "docs", "test_packaging.py"))
# Thousands of small databases wait for their disk with every commit, where they do not lie in memory.
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 4 << 30  # noqa: S108


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the PostgreSQL that all workers of this run share; be the same wherever this is started."""
    # Whoever runs the tests in the background lets them ignore some: a child inherits that, but no handler.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    # Hundreds of processes load the same modules: these are compiled once, also where a machine is set up otherwise.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    share_compiled_statements()
    # Whoever looks for other inputs asks for them (fuzzing.py); nobody else's run fails by them.
    if "LEDGER_TEST_EXAMPLES" not in os.environ:
        settings.register_profile("the same in each run", derandomize=True, database=None, deadline=None)
        settings.load_profile("the same in each run")
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        tempfile.tempdir = str(MEMORY)
    # Not in pytest's folder: each new run of pytest closes it to the user that PostgreSQL runs as.
    folder = worker["postgresql"] if worker else tempfile.mkdtemp(prefix="ledger-pg-")
    config.stash[POSTGRESQL_FOLDER] = Path(folder)


def pytest_configure_node(node: Any) -> None:
    """Tell a worker that folder."""
    node.workerinput["postgresql"] = str(node.config.stash[POSTGRESQL_FOLDER])


def pytest_collection_finish() -> None:
    """Load the whole of the ledger, and look for garbage less often: each look goes through everything that is loaded.

    What is loaded first while a test has another constant in its place would keep that for good. What is there now
    stays to the end: no look for garbage has to go through it.
    """
    for module in pkgutil.walk_packages(ledger.__path__, "ledger."):
        if not module.name.endswith("__main__"):
            # Whoever has not installed an extra yet runs all tests but its own.
            with suppress(ModuleNotFoundError):
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let no test that takes long be among the last of a random order: one worker would run alone in the end."""
    if not hasattr(config, "workerinput"):
        return
    last = items[len(items) * 4 // 5 :]
    items[len(items) - len(last) :] = sorted(last, key=lambda item: not any(map(item.path.is_relative_to, TAKE_LONG)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete it, once all workers have ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[POSTGRESQL_FOLDER], ignore_errors=True)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run single tests in this process, which is quicker than to start others; else two workers more than cores.

    Somebody always waits: for a process that starts, for a second of a rate.
    """
    if config.args and all("::" in named for named in config.args):
        return 0
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return len(os.sched_getaffinity(0)) + 2


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the seed of the order, which --quiet hides."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None and not terminalreporter.showheader:
        terminalreporter.write_line(f"the order of --randomly-seed={seed}")


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let tests reach this machine only, and start them without settings of the person who runs them.

    A spool of last resort lies in the temporary folder: each test has its own.
    """
    import pytest_socket

    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)
    for name in [name for name in os.environ if name.startswith("LEDGER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES))


@pytest.fixture(autouse=True)
def _logs_as_they_come() -> Iterator[None]:
    """Take back what a command that ran in this process made of the logs: whoever comes next wants to read them."""
    named = [logging.getLogger(name) for name in (None, "ledger", "apscheduler.scheduler")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in named]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = [handler for handler in logger.handlers if handler in handlers]


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Iterator[PostgreSQL]:
    """A real PostgreSQL: the one of LEDGER_TEST_DATABASE_URL, or one that starts here. Without it, tests fail."""
    own = postgresql_server(pytestconfig.stash[POSTGRESQL_FOLDER])
    given = os.environ.get("LEDGER_TEST_DATABASE_URL")
    with nullcontext(given) if given else own as url, closing(PostgreSQL(url)) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the ledger's tables, to copy."""
    path = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[str]:
    """The URL of a fresh database with tables: every test that asks for it runs on both."""
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "ledger.sqlite")
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create()
    yield url
    server.give_back(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with tables, opened."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def patient_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a record wait for a database that is only slow, as on a crowded machine, and not go to the spool."""
    monkeypatch.setattr(GroupWriter.wait, "__defaults__", (60.0,))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at noon until it is moved."""
    return FakeClock(NOON)


@pytest.fixture
def world(clock: FakeClock) -> World:
    """A simulated DingTalk on the fake clock."""
    return World(clock.now, seed=7)


MakeLedger = Callable[..., Ledger]


@pytest.fixture
def make_ledger(database_url: str, clock: FakeClock, world: World, tmp_path: Path) -> Iterator[MakeLedger]:
    """A maker of ledgers on the fake clock and the simulated DingTalk, in this thread alone."""
    made: list[Ledger] = []

    def make(**settings: Any) -> Ledger:
        given = {
            "database_url": database_url,
            "app_key": "dingapp",
            "app_secret": "a-long-secret-of-the-app",
            "spool_dir": tmp_path / "spool",
            **settings,
        }
        transport = WorldTransport(world, clock)
        made.append(Ledger(Settings.load(**given), clock=clock, executor=InlineExecutor(), transport=transport))
        return made[-1]

    yield make
    for book in made:
        book.close()


@pytest.fixture
def book(make_ledger: MakeLedger) -> Ledger:
    """A ledger with the ordinary settings."""
    return make_ledger()
