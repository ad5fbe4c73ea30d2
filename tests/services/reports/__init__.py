"""What is read of recalls, campaigns and their history."""
