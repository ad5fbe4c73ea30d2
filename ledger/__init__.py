"""The recall ledger: record what DingTalk bots sent, recall it within its 24 hours, and prove what was done.

Importing this package opens nothing and loads nothing heavy: each of its names is loaded when it is first asked for.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.app import Ledger as Ledger
    from ledger.core.recalls.recall import Item as Item
    from ledger.core.recalls.recall import Outcome as Outcome
    from ledger.core.recalls.recall import Plan as Plan
    from ledger.core.recalls.recall import Result as Result
    from ledger.core.recalls.recall import Status as Status
    from ledger.errors import AccessError as AccessError
    from ledger.errors import AddressNotAllowedError as AddressNotAllowedError
    from ledger.errors import ApprovalNeededError as ApprovalNeededError
    from ledger.errors import AuditError as AuditError
    from ledger.errors import BadCursorError as BadCursorError
    from ledger.errors import BadMomentError as BadMomentError
    from ledger.errors import BusyError as BusyError
    from ledger.errors import CertificateError as CertificateError
    from ledger.errors import CredentialsError as CredentialsError
    from ledger.errors import DatabaseError as DatabaseError
    from ledger.errors import DatabaseUnavailableError as DatabaseUnavailableError
    from ledger.errors import EmptySelectionError as EmptySelectionError
    from ledger.errors import ForbiddenError as ForbiddenError
    from ledger.errors import FormExpiredError as FormExpiredError
    from ledger.errors import ImportStoppedError as ImportStoppedError
    from ledger.errors import InputError as InputError
    from ledger.errors import InvalidMessageError as InvalidMessageError
    from ledger.errors import KeyReusedError as KeyReusedError
    from ledger.errors import LedgerError as LedgerError
    from ledger.errors import NaiveTimeError as NaiveTimeError
    from ledger.errors import NotConfirmedError as NotConfirmedError
    from ledger.errors import NothingEligibleError as NothingEligibleError
    from ledger.errors import NoticeError as NoticeError
    from ledger.errors import PausedError as PausedError
    from ledger.errors import PermissionDeniedError as PermissionDeniedError
    from ledger.errors import PlanChangedError as PlanChangedError
    from ledger.errors import PlanEndedError as PlanEndedError
    from ledger.errors import PlanTokenError as PlanTokenError
    from ledger.errors import ProxyRefusedError as ProxyRefusedError
    from ledger.errors import QuotaUsedUpError as QuotaUsedUpError
    from ledger.errors import RefusedFileError as RefusedFileError
    from ledger.errors import RequestInProgressError as RequestInProgressError
    from ledger.errors import RetryTooLargeError as RetryTooLargeError
    from ledger.errors import ScheduleMissedError as ScheduleMissedError
    from ledger.errors import SchemaOutOfDateError as SchemaOutOfDateError
    from ledger.errors import SendingStoppedError as SendingStoppedError
    from ledger.errors import SettingsError as SettingsError
    from ledger.errors import StatementRefusedError as StatementRefusedError
    from ledger.errors import StreamError as StreamError
    from ledger.errors import TokenForProgramsError as TokenForProgramsError
    from ledger.errors import TooManyAttemptsError as TooManyAttemptsError
    from ledger.errors import UnauthenticatedError as UnauthenticatedError
    from ledger.errors import UnfitDatabaseError as UnfitDatabaseError
    from ledger.errors import UnknownAppError as UnknownAppError
    from ledger.errors import UnknownCorrectionError as UnknownCorrectionError
    from ledger.errors import UnknownRecallError as UnknownRecallError
    from ledger.errors import UnknownTokenError as UnknownTokenError
    from ledger.errors import UnreadableFileError as UnreadableFileError
    from ledger.errors import UnreadableTimeError as UnreadableTimeError
    from ledger.errors import UnwritableFileError as UnwritableFileError
    from ledger.errors import WrongStateError as WrongStateError
    from ledger.settings import Settings as Settings

    __version__: str

__all__ = [
    "AccessError",
    "AddressNotAllowedError",
    "ApprovalNeededError",
    "AuditError",
    "BadCursorError",
    "BadMomentError",
    "BusyError",
    "CertificateError",
    "CredentialsError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "EmptySelectionError",
    "ForbiddenError",
    "FormExpiredError",
    "ImportStoppedError",
    "InputError",
    "InvalidMessageError",
    "Item",
    "KeyReusedError",
    "Ledger",
    "LedgerError",
    "NaiveTimeError",
    "NotConfirmedError",
    "NothingEligibleError",
    "NoticeError",
    "Outcome",
    "PausedError",
    "PermissionDeniedError",
    "Plan",
    "PlanChangedError",
    "PlanEndedError",
    "PlanTokenError",
    "ProxyRefusedError",
    "QuotaUsedUpError",
    "RefusedFileError",
    "RequestInProgressError",
    "Result",
    "RetryTooLargeError",
    "ScheduleMissedError",
    "SchemaOutOfDateError",
    "SendingStoppedError",
    "Settings",
    "SettingsError",
    "StatementRefusedError",
    "Status",
    "StreamError",
    "TokenForProgramsError",
    "TooManyAttemptsError",
    "UnauthenticatedError",
    "UnfitDatabaseError",
    "UnknownAppError",
    "UnknownCorrectionError",
    "UnknownRecallError",
    "UnknownTokenError",
    "UnreadableFileError",
    "UnreadableTimeError",
    "UnwritableFileError",
    "WrongStateError",
]

_HOMES = {
    "Ledger": "ledger.app",
    "Settings": "ledger.settings",
    **dict.fromkeys(("Item", "Outcome", "Plan", "Result", "Status"), "ledger.core.recalls.recall"),
}
_ERRORS = "ledger.errors"


def __getattr__(name: str) -> object:
    if name == "Ledger" and sys.platform == "win32":
        from ledger.__main__ import WINDOWS

        raise ImportError(WINDOWS.removeprefix("error: ").strip())
    if name == "__version__":
        from importlib.metadata import version

        return version("dingtalk-ledger")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, _ERRORS)), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
