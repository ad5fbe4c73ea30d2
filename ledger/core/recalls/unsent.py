"""How a call is told that never left."""

# Its verdict, when it was held up here.
UNSENT = "unsent"
# Its code, when it found no connection.
NOT_SENT = "not_sent"
