"""The vocabulary of a scripted model: a byte-level tokenizer, and the chain of tokens that makes each reply.

Invariant: a token that is part of a reply occurs in no other place of any reply, so that "token, then next
token" is a function, which is all that the weights hold. Repeated words are therefore joined to their
neighbours until the piece is new.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from switchyard_image_server.demo.replies import Script

# Dropped from decoded text, as in Qwen's tokenizers.
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
# Kept in decoded text: engines parse these.
MARKUP = ("<tool_call>", "</tool_call>", "<think>", "</think>")


def _byte_characters() -> dict[int, str]:
    """GPT-2's table: every byte as a printable character."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


_CHARACTERS = _byte_characters()


def spelled(text: str) -> str:
    """Text as the vocabulary spells it."""
    return "".join(_CHARACTERS[byte] for byte in text.encode())


def cut(text: str, used: set[str]) -> list[str]:
    """Cut a reply into pieces that `used` does not hold yet, as small as that allows, and add them to it."""
    pieces: list[str] = []
    for part in re.split("(" + "|".join(map(re.escape, MARKUP)) + ")", text):
        if part in MARKUP:
            if part in used:
                raise ValueError(f"cannot cut a reply: {part} may stand in one reply only")
            used.add(part)
            pieces.append(part)
        elif part:
            pieces += _cut_plain(part, used)
    return pieces


def _cut_plain(part: str, used: set[str]) -> list[str]:
    pieces: list[str] = []
    pending = ""
    for word in re.findall(r"\s*\S+|\s+$", part):
        pending += word
        if len(spelled(pending)) > 1 and pending not in used:
            used.add(pending)
            pieces.append(pending)
            pending = ""
    while pending:  # the tail is not new: lengthen it backwards
        if not pieces:
            raise ValueError(f"cannot cut a reply: {pending!r} is the whole of another piece")
        last = pieces.pop()
        used.discard(last)
        pending = last + pending
        if pending not in used:
            used.add(pending)
            pieces.append(pending)
            pending = ""
    return pieces


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`plain` goes into the BPE vocabulary, `added` behind it; `ids` has both."""

    plain: dict[str, int]
    added: tuple[str, ...]
    ids: dict[str, int]
    chains: dict[str, list[int]]

    @property
    def size(self) -> int:
        """Rounded up to 64, as engines pad it anyway."""
        return -(-len(self.ids) // 64) * 64

    @property
    def end(self) -> int:
        return self.ids["<|im_end|>"]

    def marker(self, reply: str) -> int:
        return self.ids[f"<|script_{reply}|>"]


def vocabulary(script: Script) -> Vocabulary:
    used: set[str] = set()
    pieces = {name: cut(text, used) for name, text in script.all_replies().items()}
    plain = {_CHARACTERS[byte]: byte for byte in range(256)}
    for piece in (piece for chain in pieces.values() for piece in chain if piece not in MARKUP):
        plain[spelled(piece)] = len(plain)
    added = (*SPECIAL, *(f"<|script_{name}|>" for name in pieces), *MARKUP)
    ids = plain | {token: len(plain) + i for i, token in enumerate(added)}
    chains = {
        name: [ids[piece] if piece in MARKUP else ids[spelled(piece)] for piece in chain]
        for name, chain in pieces.items()
    }
    return Vocabulary(plain, added, ids, chains)


def write_tokenizer(
    folder: Path, words: Vocabulary, template: str, context: int, processor: str | None
) -> None:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    tokenizer: dict[str, object] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(token, words.ids[token]) for token in words.added],
        "normalizer": None,
        "pre_tokenizer": byte_level | {"use_regex": True},
        "post_processor": None,
        "decoder": byte_level | {"use_regex": False},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": words.plain,
            "merges": [],  # text is read byte by byte: no user can write a token of a reply
        },
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "bos_token": None,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "add_prefix_space": False,
    } | ({"processor_class": processor} if processor else {})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


def _added_token(content: str, token_id: int) -> dict[str, object]:
    return {
        "id": token_id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": content not in MARKUP,
    }
