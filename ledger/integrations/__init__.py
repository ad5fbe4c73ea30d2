"""Recording inside the programs that send: hooks for HTTP clients, tags, and what `ledger run` loads into a sender.

Files here are loaded into programs of other people, where neither our dependencies nor even the name `ledger` can be
relied upon: they import the standard library and, relatively, each other, the core and the spool; the library that
they hook only where it is certain to be loaded.
"""
