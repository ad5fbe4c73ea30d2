"""Events as they were pushed, and what they tell."""
