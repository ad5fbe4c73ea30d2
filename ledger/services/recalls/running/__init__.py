"""The calls of a recall: claimed with their intent, made in their slots, written down."""
