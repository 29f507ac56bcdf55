"""Pictures and videos as requests carry them. Guards come before decoding; nothing here imports torch."""
