"""What one person may not start alone, and who else has to agree."""
