"""`ledger correct`: sends the right message to the people from whom a recall took the wrong one."""

import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.access.roles import Permission
from ledger.core.corrections.correction_text import read_text
from ledger.entrypoints.cli.correcting import sent_watched, shown_correction
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.confirmation import confirm_correction
from ledger.entrypoints.cli.screen.corrections import show_correction_plan, show_corrections, why_nobody
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say, say_command
from ledger.entrypoints.cli.screen.words import moment
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.errors import InputError, NothingEligibleError, UnreadableFileError

if TYPE_CHECKING:
    from ledger.core.access.roles import Identity
    from ledger.core.corrections.correction import CorrectionPlan
    from ledger.core.corrections.correction_text import CorrectionText
    from ledger.parts import Parts

_MOST_CHARACTERS = 1_000_000


def correct(
    recall_id: RecallId,
    msg_key: Annotated[
        str | None, typer.Option("--msg-key", metavar="TEMPLATE", help="The template, as in sampleText.")
    ] = None,
    msg_param: Annotated[
        str | None, typer.Option("--msg-param", metavar="JSON", help='Its parameters, as in \'{"content": "…"}\'.')
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="F",
            help="The parameters are in it (- is stdin), or a body with msgKey and msgParam.",
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why, for the history. It has to be said, except with --plan.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent, and to whom.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without a question.")] = False,
    plan_id: Annotated[
        int | None,
        typer.Option("--plan", metavar="ID", min=1, help="Send this plan, exactly as it was shown; takes --token."),
    ] = None,
    plan_token: Annotated[
        str | None, typer.Option("--token", metavar="T", help="With --plan: its token, from its JSON.")
    ] = None,
    token_file: TokenFile = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> Code:
    """Send the right message to those from whom a recall took the wrong one, once each.

    Show what they will see, ask, send it by the same robot, show what came of it. Without a text, show what was sent.
    """
    is_text = any(one is not None for one in (msg_key, msg_param, file))
    is_plan = plan_id is not None or plan_token is not None
    if not is_text and not is_plan and not (reason or dry_run or yes):
        return _show(recall_id, as_json=as_json)
    if is_plan:
        _check_plan(plan_id, plan_token, is_more=is_text or reason is not None or dry_run)
    else:
        _check_said(reason, is_text=is_text)
    text = _text(msg_key, msg_param, file) if is_text else None
    with opened() as parts:
        who = who_is(parts, Permission.RECALL, actor, token_file, recall_id)
        if text is None:
            plan, why = _shown_before(parts, recall_id, plan_id or 0, plan_token or "", who)
        else:
            planner, why = parts.correction_planner, str(reason)
            plan = planner.plan(
                recall_id, text, reason=why, actor=who.name, is_proven=who.is_proven, keeps_empty=dry_run
            )
        if dry_run:
            return _only_shown(parts, plan, why, as_json=as_json)
        if not plan.people:
            raise NothingEligibleError(why_nobody(plan))
        show_correction_plan(console(to_stderr=as_json), plan, why)
        if not yes:
            confirm_correction(plan)
        run = partial(parts.corrections.run, plan.correction_id, actor=who.name, is_proven=who.is_proven)
        sent = sent_watched(
            parts,
            plan.correction_id,
            lambda show: run(plan_token=plan_token, on_progress=show),
            actor=who.name,
        )
        return shown_correction(sent, as_json=as_json)


def _check_plan(plan_id: int | None, plan_token: str | None, *, is_more: bool) -> None:
    if is_more:
        raise InputError("--plan sends what was shown: --yes, --actor, --token-file and --json may be beside it")
    if plan_id is None or plan_token is None:
        raise InputError("--plan and --token go together: `ledger correct … --dry-run` shows both")


def _check_said(reason: str | None, *, is_text: bool) -> None:
    if not is_text:
        raise InputError("what to say is missing: --msg-key with --msg-param or --file")
    if reason is None:
        raise InputError("--reason is missing: say why, for the history")


def _show(recall_id: int, *, as_json: bool) -> Code:
    """Show the corrections of a recall."""
    with opened() as parts:
        results = parts.correction_reports.of_recall(recall_id)
    if as_json:
        document(results)
    else:
        show_corrections(console(), results, recall_id)
    return Code.DONE


def _shown_before(
    parts: "Parts", recall_id: int, plan_id: int, plan_token: str, who: "Identity"
) -> "tuple[CorrectionPlan, str]":
    """Return a plan that was shown to somebody, if it can still be sent as it was, and why."""
    reason, corrected = parts.correction_reports.reason_and_recall(plan_id)
    if corrected != recall_id:
        raise InputError(f"plan {plan_id} is of a correction of recall {corrected}, not of {recall_id}")
    parts.corrections.check_shown(plan_id, plan_token, who.name)
    return parts.correction_reports.plan(plan_id), reason


def _only_shown(parts: "Parts", plan: "CorrectionPlan", reason: str, *, as_json: bool) -> Code:
    if as_json:
        left_out = parts.correction_reports.left_out(plan.recall_id)
        document(plan.to_json() | {"left_out": [{"user": user, "why": why} for user, why in sorted(left_out.items())]})
    else:
        show_correction_plan(console(), plan, reason)
    if not plan.people:
        say(f"error: {why_nobody(plan)}")
        return Code.NOTHING_ELIGIBLE
    say(f"nothing was sent: without --dry-run it is. Exactly this is sent until {moment(plan.valid_until)} with")
    say_command(f"ledger correct {plan.recall_id} --plan {plan.correction_id} --token {plan.token}")
    return Code.DONE


def _text(msg_key: str | None, msg_param: str | None, file: str | None) -> "CorrectionText":
    if msg_param is not None and file is not None:
        raise InputError("--msg-param and --file say the same: give one of them")
    return read_text(msg_key, _read(file) if file is not None else msg_param)


def _read(name: str) -> str:
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8-sig") as file:
            return file.read(_MOST_CHARACTERS)
    except OSError as error:
        raise UnreadableFileError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableFileError(f"{name} is no text in UTF-8") from None
