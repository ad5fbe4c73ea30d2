"""People: what they have of messages, and how they are named and forgotten."""
