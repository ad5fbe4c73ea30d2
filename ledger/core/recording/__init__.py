"""From a send call to what the ledger holds of it."""
