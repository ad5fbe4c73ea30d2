"""Which commands there are, each under its heading; one is loaded once it is typed, and all of them for the help."""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Any

import typer

HEADINGS = {
    "Record": ("record", "import", "campaigns", "tag", "run", "messages"),
    "Recall": (
        *("recall", "resume", "retry", "cancel", "correct", "watch", "allow", "approve", "refuse", "review"),
        "unstick",
    ),
    "Audit": ("people", "reads", "recalls", "show", "history", "verify", "audit", "person"),
    "Run": (
        *("demo", "serve", "worker", "purge", "doctor", "gateway", "mcp", "simulator", "ops", "db", "notify", "policy"),
        "token",
    ),
}
# What follows the sender's name is the sender's, options too.
_SETTINGS = {"run": {"ignore_unknown_options": True, "allow_interspersed_args": False}}
_FOLD = re.compile(r"(?<!\n)\n(?!\n)")


class Menu(Mapping[str, Any]):
    """The commands by name, each built when it is asked for."""

    def __init__(self) -> None:
        self._headings = {name: heading for heading, names in HEADINGS.items() for name in names}
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = _command(name, self._headings[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headings)

    def __len__(self) -> int:
        return len(self._headings)


def _command(name: str, heading: str) -> Any:
    """Load the file of a command, which holds a function of its name, or a group of them."""
    stem = "import_" if name == "import" else name
    module = import_module(f"ledger.entrypoints.cli.commands.{stem}")
    alone = typer.Typer()
    if hasattr(module, "app"):
        alone.add_typer(module.app, name=name, rich_help_panel=heading)
    else:
        alone.command(name, rich_help_panel=heading, context_settings=_SETTINGS.get(name))(getattr(module, stem))
    _let_flow(alone)
    return typer.main.get_group(alone).commands[name]


def _let_flow(commands: typer.Typer) -> None:
    """Fold no help where its source is folded: a terminal may be narrower."""
    for one in commands.registered_commands:
        one.help = one.help or _FOLD.sub(" ", cleandoc((one.callback and one.callback.__doc__) or ""))
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            _let_flow(group.typer_instance)
