"""Which model a name leads to."""

from collections.abc import Callable
from typing import Any

import pytest

from switchyard_contracts.catalog import ModelType
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.serving import Prefer, Rewrite, Routing, Serving, Variant, Virtual
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.errors import Refused
from switchyard_proxy.routing import needs
from switchyard_proxy.routing.names import Choice, Directory
from tests.proxy.managers import status

COOL, HOT = Rewrite(set={"temperature": 0}), Rewrite(set={"temperature": 2})


def serving(**said: Any) -> Serving:
    return Serving.model_validate(said)


def virtual(name: str, *candidates: str, prefer: Prefer = Prefer.WARM) -> Virtual:
    return Virtual(name=name, candidates=candidates, prefer=prefer)


def directory(*models: ModelStatus, default: str | None = None, among: tuple[Virtual, ...] = ()) -> Directory:
    return Directory.build([(models, Routing(default_model=default, virtual=among))])


def warm(*names: str) -> Callable[[str], bool]:
    return lambda name: name in names


def cold(_: str) -> bool:
    return False


def find(known: Directory, asked: str | None, **more: Any) -> Choice:
    return known.find(asked, more.pop("fits", needs.CHAT), more.pop("ready", cold), **more)


def names(choices: Any) -> list[str]:
    return [choice.model.name for choice in choices]


HOUSE = directory(
    status("chat", aliases=("gpt", "paint")),
    status("eyes", ModelType.VISION),
    status("paint", ModelType.IMAGE, capabilities=("images",)),
)


# One manager


@pytest.mark.parametrize(("asked", "model"), [("chat", "chat"), ("gpt", "chat"), ("eyes", "eyes")])
def test_finds_a_model_by_name_and_by_alias(asked: str, model: str) -> None:
    found = find(HOUSE, asked)

    assert (found.model.name, found.asked, found.sites, found.rewrites) == (model, asked, (0,), ())


def test_a_name_goes_before_an_alias() -> None:
    assert find(HOUSE, "paint", fits=needs.IMAGES).model.name == "paint"


def test_an_alias_of_two_models_is_the_first_ones() -> None:
    """One of them may have left the catalog, and runs still."""
    assert find(directory(status("a", aliases=("x",)), status("b", aliases=("x",))), "x").model.name == "a"


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(
        Refused, match=r"model 'gtp'; there are: chat, eyes, paint; did you mean 'gpt'\?"
    ) as refused:
        find(HOUSE, "gtp")

    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND


def test_a_model_that_cannot_do_it_is_refused_with_those_that_can() -> None:
    with pytest.raises(
        Refused, match=r"/v1/chat with 'paint', a model of type image; use one of: chat, eyes"
    ) as refused:
        find(HOUSE, "paint", path="/v1/chat")

    assert refused.value.code is ErrorCode.UNSUPPORTED_ENDPOINT


def test_a_variant_brings_its_changes_after_those_of_the_model() -> None:
    said = serving(rewrite=COOL, variants={"hot": Variant(rewrite=HOT), "same": Variant()}, fallbacks=("b",))
    known = directory(status("a", aliases=("al",), serving=said))

    assert find(known, "a").rewrites == (COOL,)
    assert find(known, "a:hot").rewrites == find(known, "al:hot").rewrites == (COOL, HOT)
    assert find(known, "a:same").rewrites == (COOL,)
    assert find(known, "al:hot").asked == "al:hot"
    assert find(known, "a:hot").fallbacks == ("b",)


def test_an_adapter_is_asked_for_by_the_name_that_its_engine_knows_however_it_was_found() -> None:
    adapter = Variant(served_as="a:sql", aliases=("coder",))
    said = serving(variants={"sql": adapter, "hot": Variant(rewrite=HOT)}, fallbacks=("b",))
    known = directory(
        status("a", aliases=("al",), serving=said), status("b"), among=(virtual("best", "coder", "b"),)
    )

    for name in ("a:sql", "al:sql", "coder", "best"):
        assert (find(known, name).served_as, find(known, name).asked) == ("a:sql", name)
        assert find(known, name).model.name == "a"
    assert {find(known, name).served_as for name in ("a", "al", "a:hot")} == {"a"}
    assert [one.served_as for one in known.instead(find(known, "coder"), needs.CHAT)] == ["b"]


def test_changes_that_change_nothing_cost_nothing() -> None:
    known = directory(status("a", serving=serving(variants={"x": Variant()})))

    assert find(known, "a:x").rewrites == ()


# No name


@pytest.mark.parametrize("asked", [None, ""])
def test_a_request_that_names_no_model_gets_the_default_one(asked: str | None) -> None:
    known = directory(status("a"), status("b", aliases=("al",)), default="al")

    assert (find(known, asked).model.name, find(known, asked).asked) == ("b", "al")


def test_without_a_default_model_a_request_must_name_one() -> None:
    with pytest.raises(Refused, match="cannot tell which model is meant: add `model`") as refused:
        find(HOUSE, None)

    assert refused.value.code is ErrorCode.MISSING_REQUIRED_PARAMETER


def test_the_default_model_is_held_to_what_is_asked_too() -> None:
    with pytest.raises(Refused, match="'a', a model of type text"):
        find(directory(status("a"), default="a"), None, fits=needs.IMAGES)


def test_the_default_model_may_be_chosen_anew_each_time() -> None:
    known = directory(status("a"), status("b"), default="auto")

    assert find(known, None, ready=warm("b")).model.name == "b"


# Virtual models


@pytest.mark.parametrize(
    ("prefer", "ready", "chosen"),
    [
        (Prefer.WARM, ("b", "c"), "b"),
        (Prefer.WARM, ("c",), "c"),
        (Prefer.WARM, (), "a"),
        (Prefer.ORDER, ("b", "c"), "a"),
    ],
)
def test_a_virtual_model_is_its_best_candidate(prefer: Prefer, ready: tuple[str, ...], chosen: str) -> None:
    several = virtual("v", "a", "b", "c", prefer=prefer)
    known = directory(status("c"), status("b"), status("a"), among=(several,))

    found = find(known, "v", ready=warm(*ready))

    assert (found.model.name, found.asked) == (chosen, "v")


def test_candidates_that_cannot_do_it_are_passed_over() -> None:
    several = virtual("v", "paint", "chat", prefer=Prefer.ORDER)
    known = directory(*HOUSE.models, among=(several,))

    assert find(known, "v", ready=warm("paint")).model.name == "chat"
    assert find(known, "v", fits=needs.IMAGES).model.name == "paint"


def test_a_virtual_model_of_which_no_candidate_can_do_it_is_refused_with_those_that_can() -> None:
    known = directory(*HOUSE.models, among=(virtual("v", "paint"),))

    with pytest.raises(Refused, match="with any candidate of 'v'; use one of: chat, eyes") as refused:
        find(known, "v")

    assert refused.value.code is ErrorCode.UNSUPPORTED_ENDPOINT


def test_a_candidate_that_has_just_failed_is_left_for_last_unless_the_order_is_fixed() -> None:
    models = (status("a", phase=Phase.FAILED), status("b", phase=Phase.STOPPED))
    known = directory(*models, among=(virtual("v", "a", "b"), virtual("fixed", "a", "b", prefer=Prefer.ORDER)))

    assert find(known, "v").model.name == find(known, "auto").model.name == "b"
    assert find(known, "fixed").model.name == "a"


def test_a_candidate_may_be_a_variant() -> None:
    known = directory(
        status("a", serving=serving(variants={"hot": Variant(rewrite=HOT)})), among=(virtual("v", "a:hot"),)
    )

    assert find(known, "v").rewrites == (HOT,)


@pytest.mark.parametrize("asked", ["auto", "auto:warm"])
@pytest.mark.parametrize(
    ("ready", "default", "chosen"),
    [
        (("c",), "b", "c"),
        (("c", "b"), "b", "b"),
        (("d", "c"), None, "c"),
        ((), "b", "b"),
        ((), None, "a"),
        (("p",), "p", "a"),
    ],
)
def test_auto_is_what_is_loaded_else_the_default_else_the_first(
    asked: str, ready: tuple[str, ...], default: str | None, chosen: str
) -> None:
    known = directory(
        status("p", ModelType.IMAGE), status("a"), status("b"), status("c"), status("d"), default=default
    )

    found = find(known, asked, ready=warm(*ready))

    assert (found.model.name, found.asked) == (chosen, asked)


def test_auto_is_what_the_catalog_says_where_it_says_something() -> None:
    by_model = directory(status("a"), status("b", aliases=("auto",)))
    by_virtual = directory(status("a"), status("b"), among=(virtual("auto:warm", "b"),))

    assert find(by_model, "auto").model.name == "b"
    assert find(by_virtual, "auto:warm").model.name == "b"
    assert find(by_virtual, "auto").model.name == "a"


# In place of what cannot be loaded


def test_fallbacks_are_looked_up_one_after_the_other_and_none_twice() -> None:
    chain = serving(fallbacks=("b:hot", "p", "gone", "a", "b", "c"))
    known = directory(
        status("a", serving=chain),
        status("b", serving=serving(variants={"hot": Variant(rewrite=HOT)}, fallbacks=("d",))),
        status("c"),
        status("d"),
        status("p", ModelType.IMAGE),
    )

    instead = list(known.instead(find(known, "a"), needs.CHAT))

    assert names(instead) == ["b", "c"]
    assert instead[0].rewrites == (HOT,)
    assert {choice.asked for choice in instead} == {"a"}
    assert all(choice.fallbacks == () for choice in instead)


def test_the_other_candidates_go_before_the_fallbacks_of_the_one_that_was_chosen() -> None:
    known = directory(
        status("a", serving=serving(fallbacks=("d", "b"))),
        status("b"),
        status("c"),
        status("d"),
        among=(virtual("v", "a", "b", "c"),),
    )

    instead = known.instead(find(known, "v", ready=warm("a", "c")), needs.CHAT)

    assert names(instead) == ["c", "b", "d"]


def test_auto_does_not_load_the_whole_house_one_after_the_other() -> None:
    known = directory(status("a", serving=serving(fallbacks=("c",))), status("b"), status("c"))

    assert names(known.instead(find(known, "auto"), needs.CHAT)) == ["c"]


# Who may use what


def test_what_a_client_may_not_use_is_neither_chosen_nor_named_to_it() -> None:
    known = directory(
        status("a", serving=serving(fallbacks=("c", "b"))),
        status("secret-b"),
        status("b"),
        status("c"),
        among=(virtual("v", "secret-b", "c", "b"),),
    )

    def may(model: ModelStatus) -> bool:
        return model.name in {"a", "b"}

    assert find(known, "v", may=may).model.name == "b"
    assert find(known, "auto", ready=warm("c"), may=may).model.name == "a"
    assert names(known.instead(find(known, "a"), needs.CHAT, may=may)) == ["b"]
    with pytest.raises(Refused) as refused:
        find(known, "secret-", may=may)
    assert "there are: a, b" in str(refused.value)
    assert "secret-b" not in str(refused.value)


def test_a_model_that_is_named_is_found_even_by_who_may_not_use_it() -> None:
    assert find(HOUSE, "chat", may=lambda _: False).model.name == "chat"


# Several managers


def test_a_model_of_two_managers_is_one_that_both_have() -> None:
    known = Directory.build([((status("a"), status("b")), Routing()), ((status("b"), status("c")), Routing())])

    assert {name: find(known, name).sites for name in "abc"} == {"a": (0,), "b": (0, 1), "c": (1,)}
    assert [model.name for model in known.models] == ["a", "b", "c"]


def test_the_first_manager_that_has_a_name_says_what_it_means() -> None:
    first = status("a", aliases=("x", "v"), serving=serving(rewrite=COOL))
    second = status("a", aliases=("y",), serving=serving(rewrite=HOT))
    other = (virtual("v", "x"), virtual("w", "x"))
    known = Directory.build(
        [((first,), Routing()), ((second, status("x")), Routing(default_model="y", virtual=other))]
    )

    assert find(known, "a").rewrites == find(known, "x").rewrites == (COOL,)
    assert find(known, "x").model.name == find(known, "v").model.name == find(known, "w").model.name == "a"
    assert find(known, "v").asked == "v"
    assert (find(known, "y").rewrites, find(known, "y").sites) == ((HOT,), (0, 1))
    assert find(known, None).asked == "y"
    assert [one.name for one in known.virtual] == ["w"]


def test_a_model_of_the_same_name_and_another_type_is_another_model() -> None:
    known = Directory.build([((status("a"),), Routing()), ((status("a", ModelType.IMAGE),), Routing())])

    assert find(known, "a").sites == (0,)


def test_candidates_may_be_with_another_manager() -> None:
    known = Directory.build(
        [((status("a"),), Routing(virtual=(virtual("v", "b", "a"),))), ((status("b"),), Routing())]
    )

    found = find(known, "v")

    assert (found.model.name, found.sites) == ("b", (1,))


def test_no_manager_at_all_knows_no_name() -> None:
    with pytest.raises(Refused, match=r"none yet: add one to models\.json"):
        find(Directory.build([]), "a")


# For those who list


def test_a_name_can_be_looked_up_whatever_it_is_for() -> None:
    found = HOUSE.named("paint")

    assert found is not None
    assert found.model.type is ModelType.IMAGE
    assert HOUSE.named("auto") is None
    assert HOUSE.named("nothing") is None
