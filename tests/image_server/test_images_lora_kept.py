"""Which adapters are dropped when another comes."""

from switchyard_image_server.images.lora_kept import MAX_KEPT, MAX_KEPT_BYTES, Kept, to_drop


def kept(*sizes: int) -> dict[str, Kept]:
    """The longest unworn first."""
    return {str(i): Kept(f"worn{i}", (0, size), size) for i, size in enumerate(sizes)}


def test_what_fits_stays() -> None:
    assert to_drop(kept(1, 1), set(), 1) == []


def test_the_longest_unworn_goes_first() -> None:
    assert to_drop(kept(*[1] * MAX_KEPT), set(), 1) == ["0"]


def test_as_many_go_as_the_bytes_need() -> None:
    half = MAX_KEPT_BYTES // 2

    assert to_drop(kept(half, half), set(), half) == ["0"]
    assert to_drop(kept(half, half), set(), half + 1) == ["0", "1"]


def test_what_the_request_wants_stays_even_over_the_limit() -> None:
    assert to_drop(kept(MAX_KEPT_BYTES, 5), {"0"}, 1) == ["1"]
