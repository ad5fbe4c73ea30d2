"""What decides for everybody who works with this database: `ledger policy set`, `show`."""

from typing import Annotated

import typer

from ledger.core.access.policy import OFF, PolicyName
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.words import moment, plain
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts

app = typer.Typer(help="What decides for everybody, whatever their settings say.", no_args_is_help=True)


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{', '.join(PolicyName)}.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help=f"A number, or {OFF}.")],
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Set a policy in the database; the history keeps who did, and what it was before."""
    with opened() as parts:
        policy = parts.policies.put(name, value, actor=who_acts(actor))
    if as_json:
        document(policy)
    else:
        console().print(f"{policy.name} is {OFF if policy.value is None else f'{policy.value:,}'} for everybody now.")


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show what was set, and by whom."""
    with opened() as parts:
        found = parts.policies.listed()
    if as_json:
        document(found)
        return
    if not found:
        say("no policy is set: each process goes by its own settings. `ledger policy set NAME VALUE` sets one")
    for policy in found:
        value = OFF if policy.value is None else f"{policy.value:,}"
        console().print(
            f"{policy.name}: {value}, set by {plain(policy.set_by)} {moment(policy.set_at)}", soft_wrap=True
        )
