"""People: found, counted, listed, renamed."""
