"""Plans, recalls, items and calls."""
