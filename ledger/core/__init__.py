"""Pure rules over frozen values: no I/O, no clock; every moment is an argument."""
