"""Lists and objects in forms, as different clients spell them."""

import pytest

from switchyard_image_server.api.nesting import Entry, nested
from switchyard_image_server.errors import InvalidValue


@pytest.mark.parametrize(
    ("entries", "meant"),
    [
        ([((), "7")], "7"),
        ([((), "")], None),
        ([((), "1"), ((), "2")], ["1", "2"]),
        ([((), "[1, 2]")], [1, 2]),
        ([((), '{"name": "fast"}')], {"name": "fast"}),
        ([((), "[not json")], "[not json"),
        ([((), "[" * 100_000)], "[" * 100_000),
        ([(("",), "1"), (("",), "2")], ["1", "2"]),
        ([(("1",), "b"), (("0",), "a")], ["a", "b"]),
        ([(("name",), "fast"), (("scale",), "2")], {"name": "fast", "scale": "2"}),
        (
            [(("1", "name"), "b"), (("0", "name"), "a"), (("1", "scale"), "2")],
            [{"name": "b", "scale": "2"}, {"name": "a"}],
        ),
        (
            [(("", "name"), "a"), (("", "name"), "b"), (("", "scale"), "1"), (("", "scale"), "2")],
            [{"name": "a", "scale": "1"}, {"name": "b", "scale": "2"}],
        ),
    ],
)
def test_undoes_what_clients_do(entries: list[Entry], meant: object) -> None:
    assert nested("lora", entries) == meant


@pytest.mark.parametrize(
    "entries",
    [
        [((), "a"), (("",), "b")],
        [(("", "", ""), "a")],
        [(("a", "b"), "c")],
        [(("²", "b"), "c")],
        [(("", "name"), "a"), (("", "name"), "b"), (("", "scale"), "1")],
    ],
)
def test_refuses_what_could_mean_several_things(entries: list[Entry]) -> None:
    with pytest.raises(InvalidValue, match="send JSON text") as refused:
        nested("lora", entries)

    assert refused.value.param == "lora"
