"""Tokens of the service: `ledger token create`, `list`, `revoke`."""

from typing import Annotated

import typer

from ledger.core.access.roles import Role
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.words import moment, plain
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts

app = typer.Typer(help="Make and revoke tokens for the service.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Who holds it: the actor of what is done with it.")]


@app.command()
def create(
    name: Name,
    role: Annotated[
        Role,
        typer.Option(
            "--role",
            help="recorder hands in messages, operator recalls, approver agrees as a second person, auditor reads, "
            "admin does everything, agent is for `ledger mcp` alone.",
        ),
    ],
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner", metavar="PERSON", help="Whose it is, if not NAME's: all tokens of a person count as one person."
        ),
    ] = None,
    robot: Annotated[
        list[str] | None, typer.Option("--robot", metavar="R", help="Only messages of this robot. Repeatable.")
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(
            "--campaign",
            metavar="C",
            help="Only messages of this campaign, or of all that begin so: 'spring-*'. Repeatable.",
        ),
    ] = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and show it, this once."""
    with opened() as parts:
        made = parts.service_tokens.create(
            name, role, owner=owner, robots=robot or (), campaigns=campaign or (), actor=who_acts(actor)
        )
    if as_json:
        document({"secret": made.secret, **made.token.to_json()})
        return
    say(f"The token of {plain(made.token.name)}, {made.token.role}. It is not shown again; send it as a Bearer token:")
    console().print(made.secret, soft_wrap=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show all tokens, with the time of their last use; not what they are."""
    with opened() as parts:
        found = parts.service_tokens.listed()
    if as_json:
        document(found)
        return
    if not found:
        say("there is no token yet: `ledger token create` makes one")
    paper = console()
    for token in found:
        robots = f", robots {', '.join(plain(robot) for robot in token.robots)}" if token.robots else ""
        campaigns = f", campaigns {', '.join(map(plain, token.campaigns))}" if token.campaigns else ""
        owner = f" of {plain(token.owner)}" if token.owner != token.name else ""
        state = f"revoked {moment(token.revoked_at)}" if token.revoked_at else f"used {moment(token.last_used_at)}"
        paper.print(
            f"{plain(token.name)}{owner}: {token.role}{robots}{campaigns}, {token.prefix}…, {state}", soft_wrap=True
        )


@app.command()
def revoke(name: Name, actor: Actor = None, as_json: AsJson = False) -> None:
    """Make a token stop working at once; who signed in with it is signed out."""
    with opened() as parts:
        token = parts.service_tokens.revoke(name, actor=who_acts(actor))
    if as_json:
        document(token)
    else:
        console().print(f"The token of {plain(token.name)} works no more.")
