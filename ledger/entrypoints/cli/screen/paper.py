"""A console that gives a terminal nothing to obey but its own styles: what was forgotten to be made plain ends here."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ledger.core.json_value import printable_lines


class Paper(Console):
    """Writes an escape for each letter that does not print, wherever a text came from."""

    def on_broken_pipe(self) -> None:
        """Leave to the stream what becomes of a reader who left: Rich would end the process, whatever it does."""
        raise

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield pieces of text and the console's own control codes, which stay what they are."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(printable_lines(text), style)
