"""Recording inside programs that send: each library for real, against a pretend DingTalk over loopback."""
