"""Who has read a message: whom to ask, and what the answers mean."""
