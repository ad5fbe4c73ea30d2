"""What workers and doctors do."""
