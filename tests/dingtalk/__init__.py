"""The client and its tokens against a simulated DingTalk that listens on loopback."""
