"""How fast the ledger is on this machine, beside what the database drivers can do at best; run by hand."""
