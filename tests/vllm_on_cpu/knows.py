"""What this vLLM itself says of what it is told: a script for its Python. JSON in (`Question`), JSON out.

    {"commands": [[…words after `vllm serve`…], …], "environments": [{…}, …]}

Nothing is started: vLLM's own parser reads the words, and its own function names what it compiles.
"""

import contextlib
import io
import json
import os
import sys
from typing import Any

os.environ["VLLM_LOGGING_LEVEL"] = "ERROR"


def read(parser: Any, words: list[str]) -> dict[str, Any]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            args = parser.parse_args(words)
    except SystemExit:
        return {"refused": said.getvalue().strip().splitlines()[-1]}
    return {"read": json.loads(json.dumps(vars(args), default=lambda one: getattr(one, "__dict__", str(one))))}


def compiled_name(envs: Any, environment: dict[str, str]) -> str:
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        if hasattr(envs, "disable_envs_cache"):
            envs.disable_envs_cache()
        return json.dumps(envs.compile_factors(), sort_keys=True, default=str)
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> None:
    question = json.load(sys.stdin)
    from vllm import envs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.reasoning import ReasoningParserManager
    from vllm.tool_parsers import ToolParserManager
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = make_arg_parser(FlexibleArgumentParser())
    answer = {
        "commands": [read(parser, words) for words in question["commands"]],
        "compiled": [compiled_name(envs, one) for one in question["environments"]],
        "tools": sorted(ToolParserManager.list_registered()),
        "thinks": sorted(ReasoningParserManager.list_registered()),
        "variables": sorted(envs.environment_variables),
    }
    sys.__stdout__.write(json.dumps(answer))


if __name__ == "__main__":
    main()
