"""What the ledger does: gather, decide in core, apply; services own the transactions."""
