"""Files in which keys wait for the database: what is written here survives a program that dies and a database away."""
