import pytest

from switchyard_manager.model_files.words import progress, size


@pytest.mark.parametrize(
    ("number", "text"),
    [(400_000, "0.4 MB"), (310_000_000, "310 MB"), (8_240_000_000, "8.2 GB")],
)
def test_sizes_are_told_as_the_hub_tells_them(number: int, text: str) -> None:
    assert size(number) == text


def test_progress_says_how_much_of_what_and_which_share() -> None:
    assert progress(3_100_000_000, 8_200_000_000) == "downloading 3.1 of 8.2 GB, 37 %"
    assert progress(0, 0).endswith("100 %")
