# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""Names that clash, and names of what is not there, word for word."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import read_catalog
from tests.contracts.catalog.samples import container, image, model, told


def of(a: dict[str, Any], b: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    second = {"b": b["models"]["a"]} if b else {}
    return sections | {"models": {"a": a["models"]["a"], **second}}


def virtual(*candidates: str, **more: Any) -> dict[str, Any]:
    return {"candidates": list(candidates), **more}


CLASHES = {
    "a variant with the name of a model": (
        {"models": {"a": model(variants={"x": {}})["models"]["a"], "a:x": model()["models"]["a"]}},
        'models.a.variants.x: cannot use the name "a:x" for a variant, which models["a:x"] has already; choose another',
    ),
    "a variant with the alias of another model": (
        of(model(variants={"x": {}}), model(aliases=["a:x"])),
        'models.a.variants.x: cannot use the name "a:x" for a variant, which models.b.aliases[0] has already; choose another',
    ),
    "a variant with an alias of its own model": (
        of(model(aliases=["a:x"], variants={"x": {}})),
        'models.a.variants.x: cannot use the name "a:x" for a variant, which models.a.aliases[0] has already; choose another',
    ),
    "a variant of an alias with the name of another's variant": (
        {
            "models": {
                "a": model(aliases=["b:x"], variants={"y": {}})["models"]["a"],
                "b": model(variants={"x:y": {}})["models"]["a"],
            }
        },
        'models.b.variants["x:y"]: cannot use the name "b:x:y" for a variant, which models.a.variants.y has already; choose another',
    ),
    "virtual models with the names of others": (
        of(
            model(aliases=["al"], variants={"x": {}}),
            virtual={"a": virtual("a"), "al": virtual("a"), "a:x": virtual("a"), "fine": virtual("a")},
        ),
        'virtual.a: cannot use the name "a" for a virtual model, which models.a has already; choose another',
        'virtual.al: cannot use the name "al" for a virtual model, which models.a.aliases[0] has already; choose another',
        'virtual["a:x"]: cannot use the name "a:x" for a virtual model, which models.a.variants.x has already; choose another',
    ),
    "a virtual model with a blank in its name": (
        of(model(), virtual={"any one": virtual("a")}),
        'virtual["any one"]: cannot use "any one" as a name; write a name of letters, digits and . _ - : / @ + not beginning with a sign, of at most 200 characters',
    ),
}

MISSING = {
    "a fallback that is not there, and one that is nearly": (
        of(model(fallbacks=["zebra", "embeding"]), model(aliases=["embedding"])),
        'models.a.fallbacks[0]: cannot find the model "zebra"; add it to models, or name another',
        'models.a.fallbacks[1]: cannot find the model "embeding"; did you mean "embedding"?',
    ),
    "a fallback of enormous length": (
        of(model(fallbacks=["a" * 200])),
        f'models.a.fallbacks[0]: cannot find the model "{"a" * 60}…"; add it to models, or name another',
    ),
    "a fallback to itself, by any of its names": (
        of(model(aliases=["al"], variants={"x": {}}, fallbacks=["a", "al", "al:x"])),
        'models.a.fallbacks[0]: cannot let a model fall back to itself; remove "a", or name another',
        'models.a.fallbacks[1]: cannot let a model fall back to itself; remove "al", or name another',
        'models.a.fallbacks[2]: cannot let a model fall back to itself; remove "al:x", or name another',
    ),
    "a fallback of another type": (
        of(model(fallbacks=["b"]), image()),
        'models.a.fallbacks[0]: cannot let a model of type text fall back to one of type image; name another in place of "b"',
    ),
    "a fallback twice": (
        of(model(fallbacks=["b", "b"]), model()),
        'models.a.fallbacks[1]: cannot name "b" twice; remove one of the two',
    ),
    "a fallback that is virtual": (
        of(model(fallbacks=["v"]), model(), virtual={"v": virtual("a", "b")}),
        'models.a.fallbacks[0]: cannot use the virtual model "v" here; name a model that stands under models',
    ),
    "candidates that are not there, virtual, or named twice": (
        of(model(), virtual={"v": virtual("aa", "w", "a", "a"), "w": virtual("a")}),
        'virtual.v.candidates[0]: cannot find the model "aa"; did you mean "a"?',
        'virtual.v.candidates[1]: cannot use the virtual model "w" here; name a model that stands under models',
        'virtual.v.candidates[3]: cannot name "a" twice; remove one of the two',
    ),
    "no candidates": (
        of(model(), virtual={"v": virtual(), "w": {}}),
        "virtual.v.candidates: cannot choose from no candidates; name at least one model",
        "virtual.w.candidates: cannot leave out 'candidates'; write a list [...] of which each item is a name of letters, digits and . _ - : / @ + not beginning with a sign",
    ),
    "a default model that is nearly there": (
        {"default_model": "qwen"} | {"models": {"qwen3": model()["models"]["a"]}},
        'default_model: cannot find the model "qwen"; did you mean "qwen3"?',
    ),
    "a default model that is a number": (
        of(model(), default_model=5),
        "default_model: cannot use the number 5; write a name of letters, digits and . _ - : / @ + not beginning with a sign, or null",
    ),
    "a misspelt key of a virtual model, and a preference there is not": (
        of(model(), virtual={"v": virtual("a", prefers="warm"), "w": virtual("a", prefer="hot")}),
        "virtual.v.prefers: cannot use the unknown key 'prefers'; did you mean 'prefer'?",
        'virtual.w.prefer: cannot use the text "hot"; write "order" or "warm"',
    ),
    "virtual models as a list": (
        of(model(), virtual=["a"]),
        "virtual: cannot use a list; write an object {...}",
    ),
    "a virtual model that is a list": (
        of(model(), virtual={"v": ["a"]}, default_model="v"),
        "virtual.v: cannot use a list; write an object {...}",
    ),
    "what could not be read is not missed as well": (
        {"default_model": "b", "models": {"a": model(fallbacks=["b"])["models"]["a"], "b": 5}},
        "models.b: cannot use the number 5; write an object {...}",
    ),
    "a fallback whose type could not be read has no other": (
        of(image(fallbacks=["b"]), model(type="txt")),
        'models.b.type: cannot use the text "txt"; write "text", "vision" or "image"',
    ),
    "these sections do not make up for models": (
        {"default_model": "a"},
        "models: cannot do without models; add 'models' with at least one model",
    ),
}


@pytest.mark.parametrize(
    ("file", "faults"), [(file, faults) for file, *faults in CLASHES.values()], ids=CLASHES
)
def test_every_name_leads_to_one_thing(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults


@pytest.mark.parametrize(
    ("file", "faults"), [(file, faults) for file, *faults in MISSING.values()], ids=MISSING
)
def test_what_is_named_must_be_there(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults


@pytest.mark.parametrize("name", ["a", "al", "a:x", "al:x", "v", "auto", "auto:warm", None])
def test_the_default_model_is_named_as_a_client_would_name_it(name: str | None) -> None:
    file = of(model(aliases=["al"], variants={"x": {}}), virtual={"v": virtual("a:x")}, default_model=name)

    assert read_catalog(json.dumps(file)).default_model == name


def test_the_built_in_names_may_be_taken() -> None:
    file = of(model(aliases=["auto"]), virtual={"auto:warm": virtual("a")})

    assert list(read_catalog(json.dumps(file)).virtual) == ["auto:warm"]


def test_an_existing_container_is_text_unless_it_says_otherwise_and_may_fall_back_to_text() -> None:
    file = of(container(fallbacks=["b"]), model())

    assert read_catalog(json.dumps(file)).models["a"].fallbacks == ("b",)


def test_the_flat_form_has_these_fields_too() -> None:
    flat = {
        "a": container(fallbacks=["b"], variants={"x": {"request": {"set": {"n": 1}}}})["models"]["a"],
        "b": container(container="other", port=8002)["models"]["a"],
    }

    found = read_catalog(json.dumps(flat))

    assert (found.models["a"].fallbacks, list(found.models["a"].variants)) == (("b",), ["x"])
    assert (found.default_model, found.virtual) == (None, {})
