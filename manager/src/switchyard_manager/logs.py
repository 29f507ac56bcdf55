"""Our own log: one line each, to standard error, written by a thread. A slow reader must not stop the loop."""

import contextlib
import logging
import logging.handlers
import queue
from collections.abc import Iterator


@contextlib.contextmanager
def to_stderr(service: str) -> Iterator[None]:
    stream = logging.StreamHandler()
    stream.setFormatter(logging.Formatter(f"%(asctime)s {service} %(levelname)s %(message)s"))
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    writer = logging.handlers.QueueListener(lines, stream)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(logging.handlers.QueueHandler(lines))
    for chatty in ("httpx", "watchfiles", "urllib3", "docker"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    writer.start()
    try:
        yield
    finally:
        writer.stop()
