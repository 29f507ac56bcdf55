"""Write what is generated: `python docs/generate.py`. With `--check` write nothing; exit 1 if a part drifted.

A part is a whole file, or the lines of a page between `<!-- generated:NAME -->` and `<!-- end -->`. To add one,
add a row to `PARTS`: the file, the name (none for a whole file), and the function that makes the text.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from typer.core import TyperOption

from switchyard_contracts.catalog import (
    Defaults,
    GpuOverride,
    ImageServerArgs,
    Lora,
    Model,
    Mount,
    Names,
    RequestChanges,
    Settings,
    Variant,
    VirtualModel,
    VisionOverride,
    VllmArgs,
    catalog_schema,
)
from switchyard_contracts.catalog.families import FAMILIES as MODEL_FAMILIES
from switchyard_contracts.catalog.families import Use
from switchyard_contracts.catalog.wording import schema_of, variants, wanted
from switchyard_contracts.errors import CODES, Reason
from switchyard_manager import lifecycle
from switchyard_manager.api.metrics import METRICS
from switchyard_manager.cli.main import app as command_line
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.settings import SETTINGS as MANAGER_SETTINGS
from switchyard_proxy.accounting.families import FAMILIES
from switchyard_proxy.gate import admission
from switchyard_proxy.gate.settings import GATE_SETTINGS
from switchyard_proxy.routes import OLLAMA, ROUTES, Route, Serves
from switchyard_proxy.routing import needs
from switchyard_proxy.routing.needs import Need
from switchyard_proxy.settings import SETTINGS as PROXY_SETTINGS
from switchyard_proxy.settings import Setting
from switchyard_proxy.wire import passing

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is generated, and where it stands."""

    file: str
    marker: str | None
    make: Callable[[], str]

    @property
    def name(self) -> str:
        return f"{self.file}#{self.marker}" if self.marker else self.file


def schema_text() -> str:
    return json.dumps(catalog_schema(), indent=2, ensure_ascii=False) + "\n"


def field_table(kind: type[BaseModel], *, leave_out: Sequence[str] = ()) -> str:
    """One row per field: what to write, what holds if it is left out, what it means."""
    properties: Mapping[str, Any] = schema_of(kind)["properties"]
    rows = [
        f"| `{name}` | {_asked(kind, schema)} | {_default(schema)} | {_cell(schema['description'])} |"
        for name, schema in properties.items()
        if name not in leave_out
    ]
    return "\n".join(["| Field | Write | Default | What it means |", "| --- | --- | --- | --- |", *rows])


def family_table() -> str:
    """One row for each family that writes text."""
    rows = [
        f"| {one.name} | {_code(one.tools)} | {_code(one.thinks)} |"
        for one in MODEL_FAMILIES
        if one.use is Use.GENERATE
    ]
    return "\n".join(["| Family | `tool_call_parser` | `reasoning_parser` |", "| --- | --- | --- |", *rows])


def _code(name: str | None) -> str:
    return f"`{name}`" if name else ""


def _asked(kind: type[BaseModel], schema: Mapping[str, Any]) -> str:
    root = schema_of(kind)
    choices = list(variants(schema, root))
    if schema.get("default", ...) is None:  # that it may be null, the next column says
        choices = [choice for choice in choices if choice.get("type") != "null"]
    if [choice["title"] for choice in choices if "title" in choice and "properties" in choice]:
        return "an object, see below"
    text = wanted(choices, root).replace("text in double quotes, not empty", "text")
    return _cell(text.replace("text in double quotes", "text"))


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema:
        return ""
    return f"`{_cell(json.dumps(schema['default']))}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def manager_settings() -> str:
    rows = [(f"`{name}`", f"`{default}`", what) for name, (default, what) in MANAGER_SETTINGS.items()]
    return table(["Variable", "Default", "What it is for"], rows)


def settings_of(settings: Iterable[Setting]) -> str:
    rows = [(f"`{row.env}`", f"`{row.default}`" if row.default else "", row.description) for row in settings]
    return table(["Variable", "Default", "What it is for"], rows)


def gate_paths() -> str:
    def named(paths: Iterable[str]) -> str:
        return ", ".join(f"`{path}`" for path in sorted(paths))

    rows = [
        ("POST", named(admission.ASKS)),
        ("GET, HEAD", named(admission.LOOKS)),
        ("GET, HEAD, POST, DELETE", "`/v1/jobs`, and one or two names below it"),
        ("GET, HEAD", "`/v1/images/files/` and a name"),
    ]
    return table(["Method", "Paths"], rows)


def error_codes() -> str:
    rows = [
        (f"`{code}`", str(facts.status), facts.meaning, facts.remedy) for code, facts in sorted(CODES.items())
    ]
    return table(["Code", "HTTP", "What happened", "What to do"], rows)


def failure_reasons() -> str:
    rows = [(f"[`{reason}`](failures.md#{reason})", ADVICE[reason]) for reason in sorted(Reason)]
    return table(["Reason", "What to do"], rows)


def metrics() -> str:
    return table(["Metric", "What it is"], [(f"`{name}`", what) for name, what in METRICS.items()])


def proxy_metrics() -> str:
    rows = [
        (f"`{name}`", facts.kind.value, _named(facts.labels), facts.help) for name, facts in FAMILIES.items()
    ]
    return table(["Metric", "Kind", "Labels", "What it is"], rows)


# What answers where no engine does. Empty: an engine, and what is needed of its model says the rest.
ANSWERED = {
    Serves.ENGINE: "",
    Serves.PASS: "the engine of the model in the path, on [the paths below](#straight-to-an-engine)",
    Serves.OLLAMA: "the proxy, from what the manager says",
    Serves.RESPONSE: "[kept responses](streams.md#the-responses-api)",
    Serves.STREAM: "[kept streams](streams.md)",
    Serves.MODELS: "the proxy, from what the manager says",
    Serves.MODEL: "the proxy, from what the manager says",
    Serves.ROUTER: "the proxy: [load, unload, news](#llamacpps-router)",
    Serves.MANAGEMENT: "the proxy: [keys](keys.md), [accounts and metrics](requests.md)",
    Serves.NOT_HERE: "",
    Serves.FACTS: "the proxy: [what the page has to know](#for-the-page)",
    Serves.LIVE: "the proxy: [what moves](#for-the-page), as events",
    Serves.TOKENS: "the proxy: [what a request would cost](#what-a-request-would-cost)",
    Serves.MANAGER: "a manager: [a list of its paths](#the-managers-api-through-the-proxy)",
    Serves.HEALTH: "the proxy",
    Serves.PAGE: "the page",
}


def routes_of(rows: Iterable[Route]) -> str:
    lines = [(_path(row), ", ".join(row.methods), _role(row), _answer(row)) for row in rows]
    return table(["Path", "Methods", "Key", "Who answers, and what the model must be able to do"], lines)


def _path(row: Route) -> str:
    return f"`{row.path}…`" if row.path.endswith("/") and row.path != "/" else f"`{row.path}`"


def _role(row: Route) -> str:
    return "none" if row.role is None else f"`{row.role.name.lower()}`"


def _answer(row: Route) -> str:
    if row.serves is Serves.NOT_HERE:
        return f"refused: {row.reason}"
    if ANSWERED[row.serves] and row.need == needs.ANY:
        return ANSWERED[row.serves]
    form = "; JSON or a form" if row.uploads else ""
    kept = "; can be [read again](streams.md)" if row.keeps else ""
    return f"an engine: {_needed(row.need)}{form}{kept}"


def _needed(need: Need) -> str:
    if need.capabilities:
        return _named(sorted(need.capabilities))
    return f"any model of type {' or '.join(sorted(need.types))}"


def _named(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def passed_paths() -> str:
    rows = [
        ("POST", _named(passing.ASKS)),
        ("GET, HEAD", _named(passing.LOOKS)),
        ("GET, HEAD", "`v1/images/files/` and a name"),
        ("GET, HEAD, POST, DELETE", "`v1/jobs`, and up to two names below it"),
    ]
    return table(["Method", "Paths"], rows)


def commands() -> str:
    group = typer.main.get_command(command_line)
    rows = []
    for name, command in getattr(group, "commands", {}).items():
        words = [name, *filter(None, map(_written, command.params))]
        rows.append((f"`{' '.join(words)}`", command.help or ""))
    return table(["Command", "What it does"], rows)


def _written(parameter: Any) -> str:
    """As somebody would type it; `--json` is everywhere, and `--help` too."""
    if not isinstance(parameter, TyperOption):
        name = str(parameter.metavar or parameter.name).upper()
        return name if parameter.required else f"[{name}]"
    if parameter.name in {"json_output", "help"}:
        return ""
    # A flag is named for what it changes; of two names of one option, the short one is typed.
    names = parameter.secondary_opts if parameter.is_flag and parameter.default else parameter.opts
    name = min(names, key=len)
    return f"[{name}]" if parameter.is_flag else f"[{name} …]"


def lifecycle_diagram() -> str:
    return f"```mermaid\n{lifecycle.diagram()}```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PARTS = (
    Part("models.schema.json", None, schema_text),
    Part(
        "docs/models-json.md", "model", lambda: field_table(Model, leave_out=["name", *Defaults.model_fields])
    ),
    Part("docs/models-json.md", "defaults", lambda: field_table(Defaults)),
    Part("docs/models-json.md", "mount", lambda: field_table(Mount)),
    Part("docs/models-json.md", "vllm", lambda: field_table(VllmArgs)),
    Part("docs/vllm.md", "families", family_table),
    Part("docs/models-json.md", "image-server", lambda: field_table(ImageServerArgs)),
    Part("docs/models-json.md", "request", lambda: field_table(RequestChanges)),
    Part("docs/models-json.md", "variant", lambda: field_table(Variant)),
    Part("docs/models-json.md", "lora", lambda: field_table(Lora)),
    Part("docs/models-json.md", "names", lambda: field_table(Names)),
    Part("docs/models-json.md", "virtual", lambda: field_table(VirtualModel)),
    Part("docs/models-json.md", "vision", lambda: field_table(VisionOverride)),
    Part("docs/models-json.md", "settings", lambda: field_table(Settings)),
    Part("docs/models-json.md", "gpu", lambda: field_table(GpuOverride)),
    Part("docs/operations.md", "commands", commands),
    Part("docs/operations.md", "metrics", metrics),
    Part("docs/operations.md", "manager-settings", manager_settings),
    Part("docs/operations.md", "proxy-settings", lambda: settings_of(PROXY_SETTINGS)),
    Part("docs/operations.md", "gate-settings", lambda: settings_of(GATE_SETTINGS)),
    Part("docs/two-machines.md", "gate-paths", gate_paths),
    Part("docs/operations.md", "error-codes", error_codes),
    Part("docs/operations.md", "failure-reasons", failure_reasons),
    Part("docs/lifecycle.md", "diagram", lifecycle_diagram),
    Part("docs/requests.md", "metrics", proxy_metrics),
    Part("docs/api.md", "routes", lambda: routes_of(ROUTES)),
    Part("docs/api.md", "ollama-routes", lambda: routes_of(OLLAMA)),
    Part("docs/api.md", "passed", passed_paths),
)


def renewed(part: Part, text: str) -> str:
    """A file's text with one part made anew. A page that lost the marker is an error, not a silent skip."""
    if part.marker is None:
        return part.make()
    start = f"<!-- generated:{part.marker} -->"
    pattern = re.compile(re.escape(start) + r".*?<!-- end -->", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise SystemExit(f"cannot find {start} ... <!-- end --> once in {part.file}; add it where it belongs")
    return pattern.sub(lambda _: f"{start}\n{part.make()}\n<!-- end -->", text)


def drifted(root: Path) -> list[str]:
    """The parts that are not as they would be generated now."""
    return [part.name for part in PARTS if renewed(part, _text(root / part.file)) != _text(root / part.file)]


def write(root: Path) -> None:
    for part in PARTS:
        file = root / part.file
        file.write_text(renewed(part, _text(file)), encoding="utf-8")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main(arguments: Sequence[str]) -> int:
    if "--check" not in arguments:
        write(ROOT)
        return 0
    stale = drifted(ROOT)
    for name in stale:
        print(f"cannot accept {name} as it stands; run `python docs/generate.py`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
