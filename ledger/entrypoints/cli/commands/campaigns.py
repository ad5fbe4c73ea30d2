"""`ledger campaigns`: what can still be recalled, and for how long."""

from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.process.book import opened


def campaigns(as_json: AsJson = False) -> None:
    """Show what can still be recalled, and for how long."""
    from ledger.entrypoints.cli.screen.tables import print_campaigns

    with opened() as parts:
        lines, now = parts.campaigns(), parts.clock.now()
    if as_json:
        document(lines)
    elif lines:
        print_campaigns(console(), lines, now)
    else:
        say("the ledger holds no message: `ledger record` and `ledger import` put some in")
