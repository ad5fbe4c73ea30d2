"""What is stored of a person: shown to whoever asks for it, and forgotten."""
