"""Messages: how they come in, are selected, tagged and forgotten."""
