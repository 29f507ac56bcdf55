"""The table of needs: by class, and never less for what is not known."""

import pytest

from switchyard_image_server.memory.activations import Need, need_of, need_of_language


@pytest.mark.parametrize("name", ["QwenImage21Pipeline", "QwenImagePipeline", "QwenImageEditPlusPipeline"])
def test_a_class_that_nobody_knows_is_given_more(name: str) -> None:
    known, unknown = need_of(name), need_of("SomebodysPipeline")

    assert unknown.decode >= known.decode
    assert unknown.decode_tiled >= known.decode_tiled
    assert unknown.denoise >= known.denoise


def test_tiling_saves_most_of_decoding() -> None:
    assert need_of("QwenImage21Pipeline").decode_tiled < need_of("QwenImage21Pipeline").decode / 2


def test_a_language_model_only_answers() -> None:
    need = need_of_language()

    assert need.answer > 0
    assert need.decode == need.denoise == need.encode == 0


def test_a_small_model_needs_no_more_than_its_weights() -> None:
    assert Need(encode=5, denoise=20, decode=30).at_most(10) == Need(encode=5, denoise=10, decode=10)
