"""Adapters of a vLLM model: what is wrong with one is said at its place."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import Lora, lora_name, read_catalog, serving_of
from switchyard_contracts.serving import Vision
from tests.contracts.catalog.samples import model, told


def adapted(lora: Any, **said: Any) -> dict[str, Any]:
    return model(variants={"sql": {"lora": lora}}, **said)


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (
            adapted({}),
            (
                "models.a.variants.sql.lora: cannot load an adapter from nowhere; add 'repo' (on the Hub) or "
                "'path' (a folder)"
            ),
        ),
        (
            adapted({"repo": "me/sql", "path": "sql"}),
            "models.a.variants.sql.lora.path: cannot use both repo and path; remove one of them",
        ),
        (
            adapted({"path": "sql", "revision": "v1"}),
            (
                "models.a.variants.sql.lora.revision: cannot use a revision of a folder; remove it, or write "
                "'repo' for 'path'"
            ),
        ),
        (
            adapted({"path": "sql"}, engine="image-server", type="vision"),
            (
                "models.a.variants.sql.lora: cannot serve a LoRA adapter with the engine image-server; only "
                "vllm can"
            ),
        ),
        (
            model(engine_args={"max_loras": 2}),
            (
                "models.a.engine_args.max_loras: cannot use 'max_loras' without an adapter; remove it, "
                'or add one: "variants": {"x": {"lora": …}}'
            ),
        ),
        (
            model(variants={"sql": {"aliases": ["b"]}}, aliases=["b"]),
            (
                'models.a.variants.sql.aliases[0]: cannot use the alias "b", which models.a.aliases[0] has '
                "already; "
                "choose another"
            ),
        ),
        (
            adapted({"path": "sql"}, extra_args=["--lora-modules", "x=y"]),
            (
                "models.a.extra_args[0]: cannot pass --lora-modules here; name the adapters under variants "
                "instead, each with 'lora'"
            ),
        ),
    ],
)
def test_an_adapter_that_cannot_be_served_is_told_why(file: dict[str, Any], fault: str) -> None:
    assert told(json.dumps(file)) == [fault]


def test_an_adapter_is_served_under_the_name_that_clients_use() -> None:
    file = model(variants={"sql": {"lora": {"repo": "me/sql"}, "aliases": ["coder"]}, "cold": {}})
    found = read_catalog(json.dumps(file)).models["a"]

    served = serving_of(found, Vision()).variants

    assert found.variants["sql"].lora == Lora(repo="me/sql")
    assert (served["sql"].served_as, served["sql"].aliases) == (lora_name(found, "sql"), ("coder",))
    assert lora_name(found, "sql") == f"{found.name}:sql"
    assert served["cold"].served_as is None
