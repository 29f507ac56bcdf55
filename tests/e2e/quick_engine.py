"""A small engine that starts in a few milliseconds: a real process and real HTTP, and hardly anything imported.

`socket` and `signal` are mostly names for what is built in, and would double its start.

Takes the image server's flags, and some of its own: `--load-s N`, `--exit CODE` instead of serving, `--deaf 1`.
A request that wants a stream gets one of ten seconds.
"""

import _signal
import _socket
import _thread
import sys
import time

flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))  # noqa: B905 - flags and their values


def head(length, kind="application/json"):
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    ).encode()


def serve(connection):
    try:
        said = b""
        while b"\r\n\r\n" not in said:
            more = connection.recv(65536)
            if not more:
                return
            said += more
        start, _, body = said.partition(b"\r\n\r\n")
        lines = start.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        answer(connection, body)
    finally:
        connection.close()


def answer(connection, body):
    if b'"stream"' in body:
        stream(connection, 200)
        return
    reply = b'{"choices": [{"message": {"role": "assistant", "content": "hi"}}]}'
    connection.sendall(head(len(reply)) + reply)


def stream(connection, pieces):
    """One piece every 50 ms, chunked, numbered, with a proper end."""
    connection.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
        b"connection: close\r\n\r\n"
    )
    for number in range(pieces):
        event = b'data: {"choices": [{"delta": {"content": "%d "}}]}\n\n' % number
        connection.sendall(b"%x\r\n%s\r\n" % (len(event), event))
        time.sleep(0.05)  # noqa: TID251 - it plays an engine that takes its time
    connection.sendall(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


_signal.signal(_signal.SIGTERM, _signal.SIG_IGN if "--deaf" in flags else lambda *_: sys.exit(0))
time.sleep(float(flags.get("--load-s", 0)))  # noqa: TID251
if "--exit" in flags:
    sys.exit(int(flags["--exit"]))
listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
listener.bind((flags["--host"], int(flags["--port"])))
listener.listen(128)
print("ready", flush=True)  # noqa: T201
while True:
    accepted, _ = listener._accept()
    _thread.start_new_thread(serve, (_socket.socket(fileno=accepted),))
