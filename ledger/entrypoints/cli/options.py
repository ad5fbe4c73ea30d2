"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from ledger.entrypoints.process.logs import LogFormat, LogLevel

Actor = Annotated[
    str | None,
    typer.Option(
        "--actor", metavar="NAME", help="Who does this, for the history. Without: LEDGER_ACTOR, then your login."
    ),
]
Now = Annotated[
    bool, typer.Option("--now", help="Call although a ban or block is still waited for: you know that it is lifted.")
]
RecallId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number of the recall, as in `ledger recalls`.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many. Without: all.")]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="First ask DingTalk about what is unknown or partial, at a call of the quota each."),
]
SpotCheckSize = Annotated[
    int | None,
    typer.Option(
        "--sample",
        metavar="N",
        min=1,
        help="With --verify: also ask whether N of what is recalled is gone, and N of what was not asked for.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask again, and with --verify DingTalk, without a question.")]
VerifyYes = Annotated[bool, typer.Option("--yes", "-y", help="With --verify: ask without a question.")]
CampaignTag = Annotated[str | None, typer.Option("--campaign", help="The campaign (for import: of rows without one).")]
SourceTag = Annotated[str | None, typer.Option("--source", help="Which program sent it (for import: of rows without).")]
SentAt = Annotated[
    str | None,
    typer.Option("--sent-at", metavar="TIME", help="When it was sent, as in 2026-03-01T10:00:00+08:00."),
]
Sticky = Annotated[
    str | None,
    typer.Option(
        "--sticky",
        metavar="DURATION",
        help="For so long (90s, 30m, 24h), workers also recall what is still recorded.",
    ),
]
LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="How log lines are written: for people, or as JSON objects.")
]
LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="From which weight on lines are written.")]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, help="Serve metrics at a port of their own, without tokens."),
]
MetricsHost = Annotated[str, typer.Option("--metrics-host", help="The address to serve metrics on.")]
