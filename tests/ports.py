"""Ports for programs that keep theirs over kills and restarts, while other tests run beside them."""

import secrets
import socket

# Below those that the kernel gives to whoever asks for any: nobody else has it when its owner comes back.
OURS = range(15_000, 32_000)


def free_port() -> int:
    while True:
        port = secrets.choice(OURS)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
