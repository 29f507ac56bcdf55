"""`python -m tests.clients.tiny_models OUT`: what the tests of the image server's clients serve and send.

Runs in the environment that has the engine: real models with tiny weights, and a real film.
"""

import sys
from pathlib import Path

from switchyard_image_server.demo.make import make
from tests.image_server.engine.films import film
from tests.image_server.engine.tiny_pipelines import write_qwen_image_21


def main(out: Path) -> None:
    make(out, ("vision", "image"), say=lambda _: None)
    write_qwen_image_21(out / "references")
    (out / "film.mp4").write_bytes(film(frames=8, rate=4, size=(64, 64)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
