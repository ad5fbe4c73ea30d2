"""From what somebody selects to a plan, and from a plan to the items of its recall."""
