"""Tests of the pretend DingTalk itself: it is only worth something if it answers as the documentation says."""
