"""One seed, one random day of several ledger processes, a pretend DingTalk and their faults; then what must hold."""
