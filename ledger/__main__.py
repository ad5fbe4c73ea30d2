"""The command `ledger`, also as `python -m ledger`: what comes before everything that takes time to load."""

import gc
import sys

# What is loaded stays: looking through it for garbage again and again, as after each 700 objects, would be an eighth of
# a start.
OBJECTS_BETWEEN_COLLECTIONS = 50_000

WINDOWS = (
    "error: the ledger runs on Linux and macOS. On Windows, use WSL (`wsl --install`, then install it there); senders "
    "on Windows can record over HTTP, through a `ledger gateway` or `ledger serve` on such a machine\n"
)


def main() -> None:
    """Run the command of this process."""
    if sys.platform == "win32":
        sys.stderr.write(WINDOWS)
        sys.exit(2)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from ledger.entrypoints.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
