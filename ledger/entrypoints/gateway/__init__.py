"""The gateway: senders in any language point their endpoint at it, and it records what their sends return."""
