"""A small engine that behaves as it is told: real process, real HTTP, standard library only."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--load-s", type=float, default=0.0)
parser.add_argument("--exit-while-loading", type=int)
parser.add_argument("--last-words", default="")
parser.add_argument("--canary", choices=("good", "bad", "hangs"), default="good")
parser.add_argument("--deaf", action="store_true", help="ignore SIGTERM")
parser.add_argument("--child", help="start a child that outlives us, and write its pid to this file")
parser.add_argument("--count", help="append a line to this file at each start")
parser.add_argument("--naps", action="store_true", help="it can sleep")
parser.add_argument("--nap-status", type=int, default=200)
parser.add_argument("--wake-fails-while", help="refuse to wake while this file is there")
parser.add_argument("--hangs-while", help="answer no request while this file is there")
parser.add_argument("--busy-while", help="answer no health check while this file is there")
parser.add_argument("--dead-while", help="say 503 to a health check while this file is there")
parser.add_argument("--health", choices=("answers", "hangs"), default="answers")
parser.add_argument("--linger-s", type=float, default=0.0, help="pause between the last words and serving")
parser.add_argument("--pretends", action="store_true", help="say yes to sleep, and stay awake")
options = parser.parse_args()
state = {"asleep": False, "work": 0}


def there(path: str | None) -> bool:
    return path is not None and os.path.exists(path)  # noqa: PTH110 - a script, started by path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/is_sleeping":
            self.answer(200, {"is_sleeping": state["asleep"]})
        elif self.path == "/work":
            self.answer(200, {"work": state["work"]})
        elif there(options.dead_while):
            self.answer(503, {})
        elif options.health == "hangs" or there(options.busy_while):
            threading.Event().wait()
        else:
            self.answer(200, {"status": "ok"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/die":
            os._exit(0)
        if self.path in {"/sleep", "/wake_up"}:
            state["asleep"] = self.path == "/sleep" and not options.pretends
            fails = self.path == "/wake_up" and there(options.wake_fails_while)
            self.answer(500 if fails else options.nap_status, {})
            return
        while there(options.hangs_while):
            threading.Event().wait(0.05)
        state["work"] += 1
        if options.canary == "hangs":
            threading.Event().wait()
        self.answer(200 if options.canary == "good" else 500, {"pid": os.getpid()})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if options.count:
    with open(options.count, "a") as counted:  # noqa: PTH123 - a script, started by path
        counted.write(f"{os.getpid()}\n")
if options.child:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with open(options.child, "w") as told:  # noqa: PTH123
        told.write(str(child.pid))
if options.deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("loading", flush=True)
time.sleep(options.load_s)  # noqa: TID251 - it plays an engine that takes its time
if options.last_words:
    print(options.last_words, flush=True)
time.sleep(options.linger_s)  # noqa: TID251
if options.exit_while_loading is not None:
    sys.exit(options.exit_while_loading)
ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()
