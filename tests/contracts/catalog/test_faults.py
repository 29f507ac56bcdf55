"""How a fault and a refusal read."""

import json

from switchyard_contracts.catalog import CatalogRefused, Fault
from tests.contracts.catalog.samples import told


def test_a_place_with_odd_characters_is_quoted() -> None:
    lines = told(json.dumps({"models": {"qwen2.5": {"type": "text", "repo": "a/b", "aliases": [5]}}}))

    assert lines[0].startswith('models["qwen2.5"].aliases[0]: ')


def test_a_refusal_reads_as_a_list() -> None:
    refused = CatalogRefused([Fault("a.b", "cannot x; y"), Fault("", "cannot z; y")])

    assert str(refused) == "cannot use the catalog; mend 2 faults:\n- a.b: cannot x; y\n- cannot z; y"
    assert refused.code == "catalog_refused"
