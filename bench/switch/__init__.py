"""How long a switch from one model to another takes, and how much of it is Switchyard's."""
