"""A fuzz campaign over every reader: `python -m tests.fuzz [--inputs N] [--seed S] [readers ...]`."""
