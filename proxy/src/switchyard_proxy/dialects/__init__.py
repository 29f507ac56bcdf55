"""What the clients of each API expect to hear: heartbeats, errors, ends, in their own words. Pure."""
