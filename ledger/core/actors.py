"""Who the history names where nobody did a thing by hand."""

# What was done of itself, in the round that somebody started.
WORKER = "worker"
# What stopped by itself, since it could not go on: the entry says why.
OURSELVES = "the ledger"
