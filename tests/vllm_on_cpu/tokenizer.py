"""A tokenizer of bytes, and of the pieces that a scripted model speaks in. Pure.

It merges nothing, so a prompt is as many tokens as it has bytes, and no piece of a reply comes from a prompt.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.vllm_on_cpu.script import MARKUP, PLAIN, cut, marker

TURN_ENDS, TEXT_ENDS = "<|im_end|>", "<|endoftext|>"
IMAGE, VIDEO = "<|image_pad|>", "<|video_pad|>"
VISION_STARTS, VISION_ENDS = "<|vision_start|>", "<|vision_end|>"
CONTROL = (TEXT_ENDS, "<|im_start|>", TURN_ENDS, VISION_STARTS, VISION_ENDS, IMAGE, VIDEO)
PRINTABLE = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1))
ROUND = 64  # engines like sizes that are multiples of it


def _characters() -> dict[int, str]:
    """How tokenizer files write a byte: as itself where it can be seen, else as a letter from beyond."""
    hidden = [byte for byte in range(256) if byte not in PRINTABLE]
    return {byte: chr(byte) for byte in PRINTABLE} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}


CHARACTERS = _characters()


def spelled(text: str) -> str:
    return "".join(CHARACTERS[byte] for byte in text.encode())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`ids` of every token, as the file writes it; `added` are those that stand for themselves."""

    ids: Mapping[str, int]
    added: tuple[str, ...]
    chains: Mapping[str, list[str]]

    @property
    def size(self) -> int:
        return -(-len(self.ids) // ROUND) * ROUND

    def id(self, token: str) -> int:
        return self.ids[token if token in self.added else spelled(token)]

    def follows(self) -> dict[int, int]:
        """For each token the next. Whatever begins no reply begins the plain one, and so does an end: who
        ignores it hears the reply again and again."""
        plain = self.id(self.chains[PLAIN][0])
        table = dict.fromkeys(range(self.size), plain)
        for reply, pieces in self.chains.items():
            path = [self.id(token) for token in (marker(reply), *pieces, TURN_ENDS)]
            table.update(itertools.pairwise(path))
        return table


def vocabulary(said: Mapping[str, str]) -> Vocabulary:
    chains = cut(said, {chr(byte) for byte in range(128)})
    pieces = [spelled(piece) for chain in chains.values() for piece in chain if piece not in MARKUP]
    plain = [CHARACTERS[byte] for byte in range(256)] + pieces
    added = (*CONTROL, *map(marker, chains), *MARKUP)
    return Vocabulary({token: n for n, token in enumerate((*plain, *added))}, added, chains)


def tokenizer_json(words: Vocabulary) -> dict[str, Any]:
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    model = {"type": "BPE", "vocab": {t: n for t, n in words.ids.items() if t not in words.added}, "merges": []}
    return {
        "version": "1.0",
        "added_tokens": _added(words.added, words.ids),
        "pre_tokenizer": bytes_ | {"use_regex": True},
        "decoder": bytes_ | {"use_regex": False},
        "model": model,
    }


def _added(tokens: Iterable[str], ids: Mapping[str, int]) -> list[dict[str, Any]]:
    alone = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    # What is special is left out of the text that a client gets.
    return [{"id": ids[t], "content": t, "special": t not in MARKUP} | alone for t in tokens]


def tokenizer_config(context: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "eos_token": TURN_ENDS,
        "pad_token": TEXT_ENDS,
        "bos_token": None,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
    }
