"""No input whatever may get anything but a catalog or a refusal with reasons."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from switchyard_contracts.catalog import Catalog, CatalogRefused, catalog_schema, read_catalog
from tests.contracts.catalog.strategies import FILES, JSON, spoilt_files

MANY = settings(max_examples=200)
SCHEMA = Draft202012Validator(catalog_schema())


def check(text: str) -> Catalog | None:
    """The catalog, or nothing after a refusal that says at least one thing, and says it well."""
    try:
        return read_catalog(text)
    except CatalogRefused as refused:
        faults = refused.faults
    assert faults
    for fault in faults:
        assert fault.message.startswith("cannot ")
        assert "; " in fault.message
        assert str(fault).isprintable()
    return None


@MANY
@given(st.text() | st.binary().map(lambda content: content.decode("utf-8", "surrogateescape")))
@example("[" * 200_000)
@example('{"a":' * 200_000)
@example("-" + "9" * 10_000)
@example('{"\ud800": 1}')
def test_any_text_is_a_catalog_or_refused_with_reasons(text: str) -> None:
    check(text)


@MANY
@given(JSON)
def test_any_json_is_a_catalog_or_refused_with_reasons(value: Any) -> None:
    check(json.dumps(value))


@MANY
@given(
    st.dictionaries(
        st.sampled_from(["models", "defaults", "settings", "gpus", "virtual", "default_model", "a"]), JSON
    )
)
def test_any_json_in_the_right_places_is_a_catalog_or_refused_with_reasons(value: Any) -> None:
    check(json.dumps(value))


@MANY
@given(spoilt_files())
def test_any_spoilt_catalog_is_a_catalog_or_refused_with_reasons(text: str) -> None:
    check(text)


@MANY
@given(FILES)
def test_whatever_is_accepted_satisfies_the_schema(file: dict[str, Any]) -> None:
    if check(json.dumps(file)):
        SCHEMA.validate(file)


@MANY
@given(spoilt_files())
def test_whatever_is_accepted_though_spoilt_satisfies_the_schema(text: str) -> None:
    if check(text):
        SCHEMA.validate(json.loads(text))


def test_the_strategy_for_good_files_makes_mostly_good_files() -> None:
    """Else the two tests above would prove nothing."""
    accepted: list[bool] = []

    @given(FILES)
    @settings(database=None)
    def count(file: dict[str, Any]) -> None:
        accepted.append(check(json.dumps(file)) is not None)

    count()

    assert sum(accepted) > len(accepted) / 3
