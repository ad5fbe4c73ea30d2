"""How many have read a message, and of which it can be asked."""
