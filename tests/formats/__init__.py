"""Files of messages: lines, and what is rejected of them."""
