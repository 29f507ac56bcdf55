"""What drawing or answering takes beside the weights, by class. Estimates, until a first run is measured."""

from dataclasses import astuple, dataclass

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Need:
    """The most that each stage holds at once, at the class' native size and one picture at a time.

    `answer` is a language model's: vision towers, and the keys and values of about 8,000 tokens.
    """

    encode: int = 0
    denoise: int = 0
    decode: int = 0
    decode_tiled: int = 0
    answer: int = 0

    def at_most(self, weights: int) -> "Need":
        """A small model needs less than the table says: never more than its weights."""
        return Need(*(min(one, weights) for one in astuple(self)))


def _gib(count: float) -> int:
    return int(count * GIB)


# 2.1 at 1024 x 1024: published peaks of 36.9 to 37.7 GB over 32.4 GB of weights, 32.7 GB with VAE tiling. The
# tiled figure has a GiB of slack on top: allocators keep more than tensors hold.
_QWEN_21 = Need(encode=_gib(0.75), denoise=_gib(1.5), decode=_gib(4.8), decode_tiled=_gib(1.5))

# 1.x at 1328 x 1328 with guidance, so that two predictions are held. Its VAE has a third of 2.1's width;
# computed from the largest layers, not measured.
_QWEN_1 = Need(encode=_gib(0.75), denoise=_gib(2.0), decode=_gib(4.0), decode_tiled=_gib(1.5))

# A class that nothing is known of: a little more than 2.1 needs.
_UNKNOWN = Need(encode=_gib(0.75), denoise=_gib(2.0), decode=_gib(5.0), decode_tiled=_gib(2.0))

_LANGUAGE = Need(answer=_gib(2.0))


def need_of(class_name: str) -> Need:
    """For a pipeline's class."""
    if class_name.startswith("QwenImage21"):
        return _QWEN_21
    return _QWEN_1 if class_name.startswith("QwenImage") else _UNKNOWN


def need_of_language() -> Need:
    return _LANGUAGE
