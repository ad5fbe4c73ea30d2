"""What workers do and leave, and what those who watch want to know."""
