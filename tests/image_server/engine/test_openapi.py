"""The server keeps to its own OpenAPI page, whatever it is sent: schemathesis makes it up from that page.

Requests that are in order and requests that are not, to every route, around real models. The same each time;
`SWITCHYARD_FUZZ` asks for more of them: 1 is what a build can spare, 60 takes some ten minutes.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from pydantic import ValidationError
from schemathesis.checks import CheckContext, not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from switchyard_contracts.errors import CODES, ErrorEnvelope
from tests.image_server.conftest import Served, data_url, png

LONGER = int(os.environ.get("SWITCHYARD_FUZZ", "1"))
pytestmark = pytest.mark.timeout(60 * LONGER)
ANSWERED_WITHIN_S = 30.0
CHAT, DRAW, EDIT = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
SMALL = {"size": "64x64", "steps": 2, "max_tokens": 4}
DEAR = {"steps": 2, "num_inference_steps": 2, "max_tokens": 4, "max_completion_tokens": 4, "resolution": 64}
TALK = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": data_url(png())}],
    }
]
EXAMPLES = 8 * LONGER


@schemathesis.check
def errors_have_our_shape(_: CheckContext, response: Any, __: Any) -> None:
    """All four keys, a code that is known, and the status that the code promises."""
    if response.status_code < 400:
        return
    try:
        envelope = ErrorEnvelope.model_validate_json(response.content)
    except ValidationError as fault:
        raise AssertionError(f"no envelope: {response.text[:300]}") from fault
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert envelope.error.message.startswith("cannot ")
    assert CODES[envelope.error.code].status == response.status_code


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    errors_have_our_shape,
]


@dataclass(frozen=True, slots=True)
class Page:
    """What a server says of itself, and what may be put into its paths so that there is something."""

    schema: Any
    known: dict[str, str]
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def page_of_a_chat(demo: Path, load_from: Callable[..., Any]) -> Iterator[Page]:
    served = Served(lambda: load_from(demo / "vision")).until_ready()
    yield Page(_schema(served), {"name": "demo"})
    served.close()


@pytest.fixture(scope="module")
def page_of_a_painter(demo: Path, load_from: Callable[..., Any]) -> Iterator[Page]:
    served = Served(lambda: load_from(demo / "image")).until_ready()
    small = {"prompt": "x", "size": "64x64", "steps": 2}
    job = served.client.post(DRAW, json=small | {"async": True}).json()
    picture = served.client.post(DRAW, json=small | {"response_format": "url"}).json()
    name = picture["data"][0]["url"].rpartition("/")[2]
    yield Page(_schema(served), {"job_id": job["id"], "name": name})
    served.close()


def _schema(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


def _cheaper(case: Any) -> None:
    """What is in order stays so, and takes no minutes: few steps, small pictures, short answers."""
    body = case.body
    if not isinstance(body, dict):
        return
    for name, most in DEAR.items():
        if isinstance(body.get(name), int) and body[name] > most:
            body[name] = most
    dear = ("size", "steps") if "/images/" in case.path else ("max_tokens",)
    for name in dear:
        body.setdefault(name, SMALL[name])


def _sensible(case: Any) -> None:
    """With contents that can be used: then all the other fields decide what comes of it."""
    if not isinstance(case.body, dict):
        return
    for name in ("model", "images", "mask", "control_image", "lora", "webhook", "size"):
        case.body.pop(name, None)
    if "/images/" not in case.path:
        case.body.pop("prompt", None)
        case.body["messages"] = TALK
    elif case.media_type == "multipart/form-data":
        case.body |= {"prompt": "x", "image": [png()]}
    else:
        case.body |= {"prompt": "x", "images": [data_url(png())]}


def _as_made_up(_: Any) -> None:
    pass


def _keeps_to(page: Page, mode: GenerationMode) -> None:
    """schemathesis brings a plugin for pytest, which asks too much of pytest: here it only makes things up."""
    operations = [found.ok() for found in page.schema.get_all_operations()]
    for operation in sorted(operations, key=lambda one: one.method == "delete"):
        made_up = operation.as_strategy(generation_mode=mode)
        with contextlib.suppress(Unsatisfiable):  # where nothing can be said, nothing can be said wrongly
            _asked(page, operation, made_up, _as_made_up)
        if mode is GenerationMode.NEGATIVE:
            continue
        if operation.body:
            _asked(page, operation, made_up, _sensible)
        names = {parameter.name for parameter in operation.path_parameters}
        if known := {name: page.known[name] for name in names & page.known.keys()}:
            _asked(page, operation, operation.as_strategy(path_parameters=known), _as_made_up)


def _asked(page: Page, operation: Any, cases: SearchStrategy[Any], prepare: Callable[[Any], None]) -> None:
    @seed(1)
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def holds(case: Any) -> None:
        prepare(case)
        _cheaper(case)
        answer = case.call_and_validate(checks=CHECKS, timeout=ANSWERED_WITHIN_S)
        page.answered[operation.label, answer.status_code] += 1

    holds()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_a_chat_keeps_to_its_page(page_of_a_chat: Page, mode: GenerationMode) -> None:
    _keeps_to(page_of_a_chat, mode)

    assert (f"POST {CHAT}", 200) in page_of_a_chat.answered


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_a_painter_keeps_to_its_page(page_of_a_painter: Page, mode: GenerationMode) -> None:
    _keeps_to(page_of_a_painter, mode)

    assert {(f"POST {DRAW}", 200), (f"POST {DRAW}", 202), (f"POST {EDIT}", 200)} <= set(
        page_of_a_painter.answered
    )
