"""A program that does as it is told, for the runtimes to run: standard library only, in a container or not."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LINE = "x" * 100


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--exits", type=int, help="at once, with this code")
parser.add_argument("--says", action="append", default=[])
parser.add_argument("--says-env", help="the value of this variable")
parser.add_argument("--deaf", action="store_true", help="ignore SIGTERM")
parser.add_argument("--child", action="store_true", help="have one, in a session of its own")
parser.add_argument("--flood", type=int, default=0, help="as many lines, as fast as can be")
parser.add_argument("--eats-mib", type=int, default=0, help="touch that much memory")
options = parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/say":
            say("something was said")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")


signal.signal(signal.SIGTERM, signal.SIG_IGN if options.deaf else lambda *_: os._exit(0))
if options.child:
    subprocess.Popen(
        [sys.executable, "-c", "import threading; threading.Event().wait(600)"], start_new_session=True
    )
for line in options.says:
    say(line)
if options.says_env:
    say(os.environ[options.says_env])
sys.stdout.writelines(f"{number} {LINE}\n" for number in range(options.flood))
sys.stdout.flush()
eaten = [b"\x01" * 1024 * 1024 for _ in range(options.eats_mib)]
if options.exits is not None:
    sys.exit(options.exits)
threading.Thread(target=ThreadingHTTPServer((options.host, options.port), Handler).serve_forever).start()
