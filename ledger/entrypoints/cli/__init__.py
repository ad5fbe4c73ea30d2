"""The command `ledger`: every command parses, calls one service, and renders. Heavy modules are loaded by need."""

from ledger.entrypoints.cli.root import app, main

__all__ = ["app", "main"]
