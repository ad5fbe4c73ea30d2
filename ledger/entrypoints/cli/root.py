"""The root of the command: which commands there are, and how every one of them ends."""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ledger.entrypoints.cli.menu import Menu
from ledger.entrypoints.cli.screen.output import document_of_error, say
from ledger.entrypoints.cli.screen.width import sane_width
from ledger.entrypoints.process.exits import Code, code_of_error
from ledger.entrypoints.process.streams import abandon, as_meant, prepare
from ledger.errors import InputError, LedgerError

# Typer carries its own copy of Click since 0.20-something; the public name leads to whichever there is.
_UsageError: Any = typer.BadParameter.__mro__[1]

_TOO_MANY = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)$")


class Root(TyperGroup):
    """The command `ledger`: whatever happens inside ends here, as an exit code and at most one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "commands": Menu()})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names, without a look at what they stand for."""
        return list(self.commands)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run a command and exit with its code."""
        given = [as_meant(word) for word in (sys.argv[1:] if args is None else args)]
        prepare()
        try:
            with sane_width():
                code = super().main(given, *rest, **{**options, "standalone_mode": False}) or Code.DONE
        except typer.Abort:
            code = Code.INTERRUPTED
        except SystemExit as exit_:
            code = exit_.code
        except Exception as error:
            # Nobody is to see a traceback who did not ask for one.
            code = _say(error, as_json="--json" in given)
        abandon()
        sys.exit(int(code or Code.DONE))

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a reader who has seen enough of what only shows, as `head` has, is no error."""
        code: Any = Code.DONE
        with suppress(BrokenPipeError):
            code = super().invoke(ctx)
            sys.stdout.flush()
        return code


def _say(error: Exception, *, as_json: bool) -> Code:
    """Say an error in one line, with --json also as a document; return its exit code."""
    if os.environ.get("LEDGER_DEBUG"):
        say("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, _UsageError):
        name, message, code = "usage", _usage(error), Code.WRONG_USAGE
    elif isinstance(error, LedgerError):
        name, message, code = error.code, str(error), code_of_error(error)
    elif isinstance(error, UnicodeEncodeError):
        name, message, code = InputError.code, _not_utf8(), Code.WRONG_USAGE
    else:
        first = (str(error).strip() or "no more is known").splitlines()[0]
        message = f"{type(error).__name__}: {first} (unexpected; LEDGER_DEBUG=1 shows the traceback)"
        name, code = "unexpected", Code.UNEXPECTED
    say(f"error: {message}")
    if as_json:
        document_of_error(name, message)
    return code


def _not_utf8() -> str:
    encoding = sys.getfilesystemencoding()
    if encoding == "utf-8":
        return "what was given holds bytes that are not UTF-8"
    return f"what was given cannot be written in {encoding}, the encoding of this locale: set LC_ALL=C.UTF-8"


def _usage(error: Any) -> str:
    text = " ".join(error.format_message().split()).rstrip(".").replace(": Value error, ", ": ")
    text = _TOO_MANY.sub(r"an argument too many: '\1'", text)
    end = "" if text.endswith("?") else "."
    return f"{text}{end} See `{error.ctx.command_path} --help`" if error.ctx else text


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ledger {version('dingtalk-ledger')}")
        raise typer.Exit


app = typer.Typer(
    cls=Root,
    name="ledger",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Record what DingTalk bots sent, recall it within its 24 hours, and prove what was done."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command of this process."""
    app()
