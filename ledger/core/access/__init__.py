"""Who may do what, in whose name, and with which messages."""
