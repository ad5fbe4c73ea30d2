"""The tree of errors. Each has a stable `code`, and its text says what to do next; only doors turn codes into exits.

LedgerError
|- InputError                 what was asked for or handed in is not acceptable; nothing was done
|  |- NaiveTimeError, UnreadableTimeError, InvalidMessageError, EmptySelectionError, UnreadableFileError
|  |- SettingsError, UnknownAppError
|  |- UnknownRecallError, UnknownCorrectionError, WrongStateError, RetryTooLargeError
|  |- PlanChangedError, PlanEndedError, PlanTokenError
|  |- BadMomentError, ScheduleMissedError
|  |- UnknownTokenError, BadCursorError, KeyReusedError
|- AccessError                somebody asks who is not known, may not, or asks too often
|  |- UnauthenticatedError, ForbiddenError (FormExpiredError, TokenForProgramsError), TooManyAttemptsError
|- UnwritableFileError, ImportStoppedError
|  |- RefusedFileError         ... and an InputError: it cannot be begun, and nothing was done
|- NothingEligibleError       the selection holds nothing that can be recalled
|- NotConfirmedError          somebody has to say yes first
|  |- ApprovalNeededError     ... and it has to be another person
|- PausedError                somebody has to fix something before a recall can go on
|  |- CredentialsError, PermissionDeniedError, AddressNotAllowedError, QuotaUsedUpError
|  |- ProxyRefusedError, CertificateError
|- RequestInProgressError     the same request is being worked on already
|- AuditError                 the history cannot be signed, or what was signed cannot be checked
|- NoticeError                a notice did not arrive
|- StreamError                a Stream connection cannot be had now: it is tried again
|- SendingStoppedError        a send did not leave, since its campaign is being recalled
|- BusyError                  as much as can be done at once is being done
|- DatabaseError
   |- SchemaOutOfDateError, UnfitDatabaseError, DatabaseUnavailableError
      |- StatementRefusedError  ... it answers, and does not do what it is asked
"""


class LedgerError(Exception):
    """Something that a person can fix; the text says how."""

    code = "error"


class InputError(LedgerError):
    """What was asked for or handed in is not acceptable; nothing was done."""

    code = "input"


class NaiveTimeError(InputError):
    """A time that does not say its zone would be a guess."""

    code = "naive_time"

    def __init__(self, text: str) -> None:
        super().__init__(f"the time {text!r} has no zone: add one, as in 2026-03-01T10:00:00+08:00 or ...Z")


class UnreadableTimeError(InputError):
    """A text that is no RFC 3339 time."""

    code = "unreadable_time"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a time: write it as in 2026-03-01T10:00:00+08:00 or 2026-03-01T02:00:00Z")


class InvalidMessageError(InputError):
    """A message that cannot be recorded as it stands."""

    code = "invalid_message"


class EmptySelectionError(InputError):
    """An empty selection never means everything."""

    code = "empty_selection"

    def __init__(self) -> None:
        super().__init__(
            "nothing is selected: name at least one of "
            "--campaign, --untagged, --source, --user, --key, --keys-file, --robot, --since, --until"
        )


class UnreadableFileError(InputError):
    """A file that cannot be opened or understood."""

    code = "unreadable_file"


class UnwritableFileError(LedgerError):
    """A file that cannot be written to the end."""

    code = "unwritable_file"


class RefusedFileError(UnwritableFileError, InputError):
    """A file or folder that cannot be made where it was asked for, or is there already; nothing was done."""

    code = "refused_file"


class ImportStoppedError(LedgerError):
    """An import ended before its file did; the code is that of what stopped it."""

    def __init__(self, cause: LedgerError, read: int, recorded: int) -> None:
        self.code = cause.code
        self.is_fault_of_input = isinstance(cause, InputError)
        super().__init__(
            f"{cause}. Up to there, {read:,} rows were read and {recorded:,} recorded; "
            "importing the whole again is safe: what is recorded counts as a duplicate"
        )


class SettingsError(InputError):
    """A setting that is unknown, missing or out of its range."""

    code = "settings"


class UnknownAppError(InputError):
    """No configured app sends for this robot, so nothing can be recalled with it."""

    code = "unknown_app"


class UnknownRecallError(InputError):
    """There is no recall of that number."""

    code = "unknown_recall"

    def __init__(self, recall_id: int) -> None:
        super().__init__(f"there is no recall {recall_id}: `ledger recalls` lists them")


class UnknownCorrectionError(InputError):
    """There is no correction of that number."""

    code = "unknown_correction"

    def __init__(self, correction_id: int) -> None:
        super().__init__(f"there is no correction {correction_id}: `ledger correct RECALL` lists those of a recall")


class WrongStateError(InputError):
    """The recall is not in a state in which that can be done."""

    code = "wrong_state"


class PlanChangedError(InputError):
    """The messages of the plan are not what they were when it was made."""

    code = "plan_changed"


class PlanEndedError(InputError):
    """The plan is older than plans are allowed to be when they start."""

    code = "plan_ended"


class PlanTokenError(InputError):
    """That is not the token of the plan, or not of whoever shows it."""

    code = "plan_token_wrong"


class BadMomentError(InputError):
    """A moment that cannot be set for a recall: it has passed, or is too late for its first message."""

    code = "bad_moment"


class ScheduleMissedError(InputError):
    """The moment of a recall came, and it could not run."""

    code = "schedule_missed"


class RetryTooLargeError(InputError):
    """Asking again would take one person further than one may go alone; a new plan can ask for a second person."""

    code = "retry_too_large"


class UnknownTokenError(InputError):
    """There is no such token that still works."""

    code = "unknown_token"


class BadCursorError(InputError):
    """A place in a list that no answer gave."""

    code = "bad_cursor"

    def __init__(self) -> None:
        super().__init__("this cursor was not given by an earlier answer: start without one, then follow `next`")


class KeyReusedError(InputError):
    """An Idempotency-Key came again with another request."""

    code = "key_reused"


class RequestInProgressError(LedgerError):
    """The same request, by its Idempotency-Key, is being worked on."""

    code = "request_in_progress"


class AuditError(LedgerError):
    """The history cannot be signed, or what was signed cannot be checked."""

    code = "audit"


class NoticeError(LedgerError):
    """A notice did not arrive."""

    code = "notice"


class StreamError(LedgerError):
    """A Stream connection cannot be had now, or has ended: it is tried again."""

    code = "stream"


class SendingStoppedError(LedgerError):
    """A send did not leave: its campaign is being recalled, and whoever recalls it stopped what is still sent."""

    code = "campaign_recalled"

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"nothing more of {campaign!r} is sent: it is being recalled. `ledger allow` lets it be sent again"
        )


class BusyError(LedgerError):
    """As much as can be done at once is being done."""

    code = "busy"


class AccessError(LedgerError):
    """Somebody asks for what is not theirs to ask."""

    code = "access"


class UnauthenticatedError(AccessError):
    """Nobody can tell who asks: there is no token, or it is unknown, or revoked."""

    code = "unauthenticated"


class ForbiddenError(AccessError):
    """It is known who asks, and it is not theirs to do."""

    code = "forbidden"


class FormExpiredError(ForbiddenError):
    """A form of a session that is over: whoever sent it has signed in anew, and has not seen what it would do now."""

    code = "form_expired"


class TokenForProgramsError(ForbiddenError):
    """A token signs somebody in whose role sees nothing."""

    code = "token_for_programs"


class TooManyAttemptsError(AccessError):
    """Too many tokens were tried that do not exist."""

    code = "too_many_attempts"


class NothingEligibleError(LedgerError):
    """The selection holds nothing that can still be recalled."""

    code = "nothing_eligible"


class NotConfirmedError(LedgerError):
    """Nobody confirmed the plan, so nothing was recalled."""

    code = "not_confirmed"


class ApprovalNeededError(NotConfirmedError):
    """The recall is larger than one person may start alone, and waits for a second one."""

    code = "approval_needed"


class PausedError(LedgerError):
    """A recall cannot go on until somebody fixes something; what is left of it waits for `ledger resume`.

    `answered` are the words of whoever refused: of DingTalk, or of a proxy. `cause` tells apart what has no code of
    its own. `scopes` are the codes of permissions that an app lacks.
    """

    code = "paused"

    def __init__(
        self, message: str = "", *, answered: str | None = None, cause: str | None = None, scopes: str | None = None
    ) -> None:
        super().__init__(message)
        self.answered, self.cause, self.scopes = answered, cause, scopes


class CredentialsError(PausedError):
    """The app's key, secret or ticket is missing or wrong."""

    code = "credentials"


class PermissionDeniedError(PausedError):
    """The app may not recall: a permission point is missing."""

    code = "permission"


class AddressNotAllowedError(PausedError):
    """The app does not accept calls from this machine's address."""

    code = "address_not_allowed"


class QuotaUsedUpError(PausedError):
    """The organisation's calls of the month are used up."""

    code = "quota_used_up"


class ProxyRefusedError(PausedError):
    """A proxy on the way to DingTalk lets nothing through as it is."""

    code = "proxy"


class CertificateError(PausedError):
    """Nobody whom this machine trusts vouches for who answers in DingTalk's name."""

    code = "certificate"


class DatabaseError(LedgerError):
    """The database cannot be used as it is."""

    code = "database"


class DatabaseUnavailableError(DatabaseError):
    """The database did not answer."""

    code = "database_unavailable"


class StatementRefusedError(DatabaseUnavailableError):
    """The database answers, and does not do what it is asked: nothing is lost that can be asked again."""

    code = "statement_refused"


class UnfitDatabaseError(DatabaseError):
    """The database cannot hold what the ledger keeps."""

    code = "unfit_database"


class SchemaOutOfDateError(DatabaseError):
    """The database's tables are not of this version."""

    code = "schema_out_of_date"
