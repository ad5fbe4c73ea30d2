"""What asking again costs, and what it leaves alone, said before it is done."""

from ledger.core.recalls.asking_again import AskAgain
from ledger.entrypoints.cli.screen.output import say
from ledger.entrypoints.cli.screen.words import number_of


def say_price(ask: AskAgain) -> None:
    """Say how many calls it takes, and which messages are not asked again, on stderr."""
    if ask.messages:
        price = number_of(ask.calls, "call")
        say(f"asks again for {number_of(ask.messages, 'message')}: {price} of the month's quota, more with trouble")
    left = [
        (ask.late, "past the 24 hours"),
        (ask.final, "refused for good"),
        (ask.elsewhere, "recalled by another recall, or in one"),
    ]
    parts = [f"{count:,} {why}" for count, why in left if count]
    if parts:
        say(f"not asked again: {', '.join(parts)}")
