"""What is asked of DingTalk beside recalls: who has read a message, and whether it is gone."""
