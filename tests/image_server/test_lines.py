"""Who is served next: no client can make the others wait for all that it has asked for."""

from hypothesis import given
from hypothesis import strategies as st

from switchyard_image_server.lines import Lines

ASKED = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30)


def lines_of(*asked: str) -> Lines[str]:
    """Each item begins with the letter of its lane."""
    lines: Lines[str] = Lines()
    for item in asked:
        lines.add(item[0], item)
    return lines


def test_one_of_each_lane_in_turn_and_in_a_lane_by_order_of_arrival() -> None:
    lines = lines_of("a1", "a2", "a3", "b1", "c1", "c2")

    taken = [lines.take() for _ in range(6)]

    assert taken == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_a_lane_that_comes_back_waits_for_its_turn() -> None:
    lines = lines_of("a1", "b1", "b2")
    lines.take()
    lines.add("a", "a2")

    assert list(lines) == ["b1", "a2", "b2"]


def test_whoever_gives_up_leaves_no_gap() -> None:
    lines = lines_of("a1", "b1", "b2")

    assert lines.discard("b1")
    assert not lines.discard("b1")

    assert [lines.position(item) for item in ("a1", "b1", "b2")] == [0, None, 1]
    assert lines.lengths() == {"a": 1, "b": 1}
    assert len(lines) == 2


def test_an_empty_lane_is_forgotten() -> None:
    lines = lines_of("a1")

    lines.take()

    assert (len(lines), lines.first(), lines.lengths()) == (0, None, {})


@given(ASKED)
def test_the_order_foretold_is_the_order_served(asked: list[tuple[str, bool]]) -> None:
    lines: Lines[tuple[str, int]] = Lines()
    for number, (lane, one_is_served_before) in enumerate(asked):
        if one_is_served_before and len(lines):
            lines.take()
        lines.add(lane, (lane, number))

    foretold = list(lines)

    assert [lines.position(item) for item in foretold] == list(range(len(foretold)))
    assert [lines.take() for _ in foretold] == foretold
