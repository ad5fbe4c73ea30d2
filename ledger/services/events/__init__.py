"""What DingTalk pushes of messages: connections that are held, and what their events come to."""
