"""What things are, and the rules that decide: pure values and pure functions, no I/O, no clock, no Temporal."""
