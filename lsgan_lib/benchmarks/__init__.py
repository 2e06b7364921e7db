"""How fast training is: against a loop as textbooks write it, and against the machine's limit."""
