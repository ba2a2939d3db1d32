"""How the program is frozen and wrapped for people who have no Python. Nothing of this is part of the program."""
