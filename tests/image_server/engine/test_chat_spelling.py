"""What single tokens look like: the bytes of an answer's tokens are the answer."""

from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from switchyard_image_server.chat.spelling import Spelling
from tests.image_server.engine import tiny_language


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_language.make_tokenizer()


@pytest.mark.parametrize(
    "text", ["a cat in the park", "naïve café 🚂 東京", "line\n\ttab", "<think>hm</think>"]
)
def test_bytes_of_the_tokens_are_those_of_the_text(tokenizer: Any, text: str) -> None:
    spelling = Spelling(tokenizer)

    spelled = [spelling.of(token)[1] for token in tokenizer.encode(text)]

    assert bytes(byte for token in spelled for byte in token) == text.encode()


def test_half_a_character_is_told_in_bytes(tokenizer: Any) -> None:
    first, *_ = tokenizer.encode("🚂")

    text, spelled = Spelling(tokenizer).of(first)

    assert text == "\N{REPLACEMENT CHARACTER}"
    assert bytes(spelled) == "🚂".encode()[: len(spelled)]


def test_a_control_token_is_told_by_its_name(tokenizer: Any) -> None:
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    assert Spelling(tokenizer).of(end)[0] == "<|im_end|>"


def test_a_token_beyond_the_tokenizer_is_nothing(tokenizer: Any) -> None:
    assert Spelling(tokenizer).of(len(tokenizer) + 3) == ("", ())


def test_reads_tokenizers_that_write_bytes_as_numbers() -> None:
    words = {"<unk>": 0, "<0xC3>": 1, "<0xA9>": 2, "\u2581caf": 3}
    backend = Tokenizer(models.BPE(vocab=words, merges=[], unk_token="<unk>", byte_fallback=True))
    backend.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    spelling = Spelling(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>"))

    assert [spelling.of(token) for token in (3, 1, 2)] == [
        (" caf", tuple(b" caf")),
        ("\N{REPLACEMENT CHARACTER}", (0xC3,)),
        ("\N{REPLACEMENT CHARACTER}", (0xA9,)),
    ]
