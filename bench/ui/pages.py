"""The page's own files and the bench's beside them, on a port of this machine, under the page's policy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
UI = ROOT / "proxy/src/switchyard_proxy/ui"
HERE = Path(__file__).parent
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; require-trusted-types-for 'script'; trusted-types switchyard-worker"
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = file_of(self.path.partition("?")[0])
        body = b"" if found is None else found.read_bytes()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", KINDS.get(found.suffix if found else "", "text/plain"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def file_of(path: str) -> Path | None:
    """Only files of these two folders."""
    room, _, rest = path.lstrip("/").partition("/")
    folder = {"ui": UI, "bench": HERE}.get(room)
    if folder is None:
        return None
    found = (folder / rest).resolve()
    return found if found.is_relative_to(folder) and found.is_file() else None


@contextmanager
def pages() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
