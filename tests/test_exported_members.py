"""What programs may rely on: the names of the package, and the methods of `Ledger` with what they take.

A line that changes here is a change for users: it belongs into the changelog. Every example in a docstring is run.
"""

import doctest
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

import ledger
from ledger import Ledger, LedgerError, Status, errors
from ledger.simulator import World
from tests.sending import send

ROOT = Path(__file__).parent.parent
VALUES = {"Item", "Ledger", "Outcome", "Plan", "Result", "Settings", "Status"}
ERRORS = {
    "AccessError": "access",
    "AddressNotAllowedError": "address_not_allowed",
    "ApprovalNeededError": "approval_needed",
    "AuditError": "audit",
    "NoticeError": "notice",
    "SendingStoppedError": "campaign_recalled",
    "BadCursorError": "bad_cursor",
    "BusyError": "busy",
    "CertificateError": "certificate",
    "CredentialsError": "credentials",
    "DatabaseError": "database",
    "DatabaseUnavailableError": "database_unavailable",
    "EmptySelectionError": "empty_selection",
    "ForbiddenError": "forbidden",
    "FormExpiredError": "form_expired",
    "ImportStoppedError": "error",
    "InputError": "input",
    "InvalidMessageError": "invalid_message",
    "KeyReusedError": "key_reused",
    "LedgerError": "error",
    "NaiveTimeError": "naive_time",
    "NotConfirmedError": "not_confirmed",
    "NothingEligibleError": "nothing_eligible",
    "PausedError": "paused",
    "PermissionDeniedError": "permission",
    "PlanChangedError": "plan_changed",
    "PlanEndedError": "plan_ended",
    "PlanTokenError": "plan_token_wrong",
    "BadMomentError": "bad_moment",
    "ScheduleMissedError": "schedule_missed",
    "ProxyRefusedError": "proxy",
    "QuotaUsedUpError": "quota_used_up",
    "RefusedFileError": "refused_file",
    "RequestInProgressError": "request_in_progress",
    "RetryTooLargeError": "retry_too_large",
    "SchemaOutOfDateError": "schema_out_of_date",
    "SettingsError": "settings",
    "StatementRefusedError": "statement_refused",
    "StreamError": "stream",
    "TokenForProgramsError": "token_for_programs",
    "TooManyAttemptsError": "too_many_attempts",
    "UnauthenticatedError": "unauthenticated",
    "UnfitDatabaseError": "unfit_database",
    "UnknownAppError": "unknown_app",
    "UnknownCorrectionError": "unknown_correction",
    "UnknownRecallError": "unknown_recall",
    "UnknownTokenError": "unknown_token",
    "UnreadableFileError": "unreadable_file",
    "UnreadableTimeError": "unreadable_time",
    "UnwritableFileError": "unwritable_file",
    "WrongStateError": "wrong_state",
}
REST = (
    "untagged: bool = False, source: str | None = None, users: Collection[str] | None = None, "
    "keys: Collection[str] | None = None, robot: str | None = None, since: datetime | None = None, "
    "until: datetime | None = None"
)
PARTS = f"campaign: str | Collection[str] | None = None, {REST}"
RECALLED = "recalled_since: datetime | None = None, recalled_until: datetime | None = None"
TOKEN = "token: str | None = None"
ACTOR, PROGRESS = "actor: str | None = None", "on_progress: Callable[[Result], None] | None = None"
METHODS = {
    "record": "*, process_query_key: str, robot_code: str, user_ids: Sequence[str] = (), campaign: str | None = None, "
    "sent_at: datetime | str | None = None, open_conversation_id: str | None = None, "
    "source: str | None = None, chat: Chat | str | None = None, "
    "expires_in: float | None = None, expires_at: datetime | str | None = None -> WriteCounts",
    "record_many": "rows: Iterable[Mapping[str, Any]], *, campaign: str | None = None, robot_code: str | None = None, "
    "sent_at: datetime | None = None -> Imported",
    "watch": "client: ~Watched, *, wait: bool = False, stops: bool = False -> ~Watched",
    "campaign": "name: str, source: str | None = None, *, expires_in: float | None = None "
    "-> AbstractContextManager[None]",
    "campaigns": "-> list[CampaignLine]",
    "plan": f"*, reason: str, {PARTS}, include_shared: bool = False, include_elsewhere: bool = False, {ACTOR} -> Plan",
    "run": f"plan: Plan | int, *, {ACTOR}, {TOKEN}, break_glass: str | None = None, "
    f"plan_token: str | None = None, {PROGRESS} -> Result",
    "approve": f"recall_id: int, *, {ACTOR}, {TOKEN}, {PROGRESS} -> Result",
    "refuse": f"recall_id: int, *, reason: str, {ACTOR}, {TOKEN} -> Result",
    "review": f"recall_id: int, *, reason: str, {ACTOR}, {TOKEN} -> Result",
    "resume": f"recall_id: int, *, {ACTOR}, {PROGRESS} -> Result",
    "retry": f"recall_id: int, *, {ACTOR}, {TOKEN}, {PROGRESS} -> Result",
    "cancel": f"recall_id: int, *, {ACTOR} -> Result",
    "result": "recall_id: int -> Result",
    "recalls": "*, statuses: Sequence[Status] = ALL, campaign: str | Collection[str] | None = None, "
    f"{ACTOR}, {RECALLED}, limit: int | None = None -> list[Result]",
    "show": "recall_id: int -> RecallReport",
    "history": f"*, {PARTS}, outcome: Outcome | str | None = None, {ACTOR}, {RECALLED}, "
    "limit: int | None = None -> Iterator[Item]",
    "reads": f"recall_id: int | None = None, *, sample: int, {PARTS}, {ACTOR} -> ReadReport",
    "tag": "*, campaign: str, reason: str, from_campaign: str | Collection[str] | None = None, "
    f"{REST}, {ACTOR} -> Tagged",
    "purge": "-> Purged",
    "verify": "known_digest: str | None = None -> Verification",
    "doctor": "-> CheckUp",
    "close": "-> None",
}


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def written(method: Callable[..., object]) -> str:
    """Return what a method takes and returns, without `self` and without the modules of the names."""
    signature = inspect.signature(method)
    taken = [parameter for name, parameter in signature.parameters.items() if name != "self"]
    # What is loaded late stands in quotes.
    text = str(signature.replace(parameters=taken)).replace(repr(tuple(Status)), "ALL").replace("'", "")
    arguments, _, returned = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", text).rpartition(" -> ")
    return f"{arguments[1:-1]} -> {returned}".strip()


def test_the_package_exports_these_names_and_loads_each_when_it_is_asked_for() -> None:
    assert set(ledger.__all__) == VALUES | set(ERRORS)
    assert list(ledger.__all__) == sorted(ledger.__all__)
    for name in ledger.__all__:
        assert getattr(ledger, name).__name__ == name
    assert set(ledger.__all__) <= set(dir(ledger))
    with pytest.raises(AttributeError, match="Legder"):
        ledger.Legder  # noqa: B018


def test_every_error_of_the_tree_is_exported_with_a_code_of_its_own() -> None:
    tree = {
        name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, LedgerError)
    }
    assert {name: kind.code for name, kind in tree.items()} == ERRORS
    assert len(set(ERRORS.values())) == len(ERRORS) - 1, "an import that stopped has the code of what stopped it"
    assert all(name in (errors.__doc__ or "") for name in tree), "the tree is drawn at the top of its file"


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert ledger.__version__ == project["version"]


def test_errors_and_values_come_without_the_database_and_the_network() -> None:
    loaded = run_python(
        "import sys; from ledger import LedgerError, PausedError, Plan, Result, Item, __version__; print(*sys.modules)"
    )
    assert not [name for name in loaded.split() if name.startswith(("sqlalchemy", "httpx", "pydantic", "alembic"))]


def test_ledger_has_these_methods_and_they_take_what_they_took() -> None:
    public = {name: member for name, member in vars(Ledger).items() if not name.startswith("_")}
    assert isinstance(public.pop("settings"), property)
    assert {name: written(method) for name, method in public.items()} == METHODS
    assert written(Ledger.__init__) == (
        "settings: Settings | None = None, *, clock: Clock | None = None, executor: Executor | None = None, "
        "transport: BaseTransport | None = None -> None"
    )


def test_every_public_method_says_what_it_does() -> None:
    for name in METHODS:
        assert inspect.getdoc(getattr(Ledger, name)), name


EXAMPLES = [test for test in doctest.DocTestFinder(recurse=True).find(Ledger, "Ledger") if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.name))
def test_what_a_docstring_shows_is_what_happens(
    example: doctest.DocTest, book: Ledger, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    now: datetime = book.parts.clock.now()
    if "record" not in example.name:
        send(book, world, 3)
    example.globs = {"Ledger": Ledger, "book": book, "settings": book.settings, "now": now}
    failed, tried = doctest.DocTestRunner().run(example)
    assert (failed, tried) == (0, len(example.examples)), capsys.readouterr().out


def test_most_methods_show_an_example() -> None:
    assert len(EXAMPLES) >= 10
