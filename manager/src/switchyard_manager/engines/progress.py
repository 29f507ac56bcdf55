"""Say in a few words how far a load is, from a line of an engine's log. Never guesses: no match, no word.

A progress bar overwrites itself: one line of a log holds many of its states, and the last one counts.
"""

import re
from collections.abc import Callable

LONGEST = 2000  # characters from the end of a line: a bar that was redrawn for an hour is one line

Words = Callable[["re.Match[str]"], str]


def _said(words: str) -> Words:
    return lambda _: words


def _share(words: str) -> Words:
    return lambda found: f"{words} {found[1]} %"


LINES: tuple[tuple[re.Pattern[str], Words], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Loading .*checkpoint shards:\s*(\d+)%", _share("weights")),
        (r"Loading (?:safetensors|weights|pt) .*?:\s*(\d+)%", _share("weights")),
        (r"Loading pipeline components\.*:\s*(\d+)%", _share("weights")),
        (r"(?:Fetching \d+ files|Download\w*[^:]*):\s*(\d+)%", _share("downloading")),
        (
            r"(?P<file>[\w.-]+\.(?:safetensors|bin|gguf|pth?)):\s*(?P<share>\d+)%",
            lambda found: f"downloading {found['file']} {found['share']} %",
        ),
        # The image server's own words, one line for each component and each tenth.
        (r"\bloading ([\w.-]+): (\d+) % \(\d+ of \d+ files\)", lambda found: f"{found[1]} {found[2]} %"),
        (r"Capturing CUDA graph[^:]*:\s*(\d+)%", _share("capturing graphs")),
        (r"Graph capturing finished", _said("graphs captured")),
        (r"KV cache size: ([\d,]+) tokens", lambda found: f"KV cache {found[1]} tokens"),
        (
            r"Auto-fit max_model_len: reduced from \d+ to (\d+)",
            lambda found: f"context {int(found[1]):,} tokens",
        ),
        (
            r"Starting torch\.compile|Dynamo bytecode transform|Compiling a graph|torch\.compile (?:is|cache)",
            _said("compiling"),
        ),
        (r"torch\.compile (?:takes|took|and initial)", _said("compiled")),
        (r"Starting to load model|listening on http://\S+, loading ", _said("loading weights")),
        (r"Loading weights took|Model loading took", _said("weights loaded")),
        (r"init engine .* took", _said("engine is up")),
        (r"Starting vLLM (?:API )?server|Application startup complete", _said("opening its port")),
    )
)

# An engine's word that it takes requests now, or in the next moment.
UP = re.compile(
    r"Application startup complete|Uvicorn running on|Starting vLLM (?:API )?server|\) is ready$"
    r"|server is listening on"
)


def announces(line: str) -> bool:
    return UP.search(line[-LONGEST:]) is not None


def read(line: str) -> str | None:
    shown = [state for state in line[-LONGEST:].split("\r") if state.strip()]
    if not shown:
        return None
    for pattern, words in LINES:
        if found := pattern.search(shown[-1]):
            return words(found)
    return None
