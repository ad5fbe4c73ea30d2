"""Events that DingTalk pushes, and what they tell of messages."""
