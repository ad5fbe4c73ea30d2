"""The life of a recall, from its plan to the last answer."""
