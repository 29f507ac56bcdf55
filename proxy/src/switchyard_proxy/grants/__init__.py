"""The proxy's half of the talk with managers: what they granted, what runs on it, who waits."""
