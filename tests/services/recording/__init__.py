"""From a send to a row, whatever is away meanwhile."""
