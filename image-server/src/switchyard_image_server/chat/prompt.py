"""From a conversation to the tensors a model reads, through the model's own chat template.

User text is data: what looks like a control token in it is encoded as plain text (`sanitize_control_tokens`),
and `chat_template_kwargs` may set only variables that the template itself reads, because a processor takes
every other keyword for an option of its own.

Frames of videos are scaled here, one by one as they are decoded: a video whole at its own size is gigabytes.
"""

import copy
import math
import re
from collections.abc import Callable
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from jinja2 import Environment, TemplateError, meta
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms
from transformers.utils.chat_template_utils import mark_control_tokens
from transformers.video_utils import VideoMetadata

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import ItemKind
from switchyard_image_server.chat.forgeries import any_of, whole_tokens
from switchyard_image_server.chat.geometry import (
    PictureGeometry,
    Shape,
    TooNarrow,
    VideoGeometry,
    picture_geometry,
    video_geometry,
)
from switchyard_image_server.errors import InvalidValue, Unsupported
from switchyard_image_server.media.pictures import Picture
from switchyard_image_server.media.videos import Video

# Set by Transformers or by us.
_RESERVED = frozenset(
    {
        *("messages", "conversation", "tools", "documents", "chat_template", "tokenize", "return_tensors"),
        *("return_dict", "add_generation_prompt", "continue_final_message", "raise_exception", "strftime_now"),
        *("processor_kwargs", "sanitize_control_tokens", "images", "videos", "audio", "text"),
    }
)
_TRANSFORMERS_TAGS = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
_OPENING, _CLOSING = "<think>", "</think>"
LONGEST_SAID = 300  # of a template's complaint, which may hold the whole conversation
_TAIL = 64  # tokens; a template's opening words are shorter
# What a template does with messages that it was not made for. All of it is the messages' fault.
_TEMPLATE_FAULTS = (TemplateError, TypeError, ValueError, AttributeError, LookupError, RecursionError)


def template_variables(template: str) -> frozenset[str]:
    """What a client may set in this template."""
    environment = Environment(extensions=["jinja2.ext.loopcontrols"], autoescape=False)  # noqa: S701 - parsed only
    parsed = environment.parse(_TRANSFORMERS_TAGS.sub("", template))
    return frozenset(meta.find_undeclared_variables(parsed)) - _RESERVED


class PromptReader:
    """Holds the tokenizer or, for a model that sees, the processor. Used on the worker thread only."""

    def __init__(self, reader: Any, *, sees: bool, max_image_tokens: int | None = None) -> None:
        self._reader = reader
        self._sees = sees
        self.tokenizer: Any = reader.tokenizer if sees else reader
        self.template = _template(reader)
        known = template_variables(self.template)
        self._variables = known - set(self.tokenizer.special_tokens_map)
        added = [token for token in self.tokenizer.added_tokens_encoder if not token.isspace()]
        self.tokenizer.chat_control_tokens = added  # not only those that the template writes itself
        self._control_tokens = any_of(added)
        self._pictures: PictureGeometry | None = None
        self._videos: VideoGeometry | None = None
        self.pads: dict[int, ItemKind] = {}
        if sees:
            self._look(reader, max_image_tokens)

    def _look(self, processor: Any, max_image_tokens: int | None) -> None:
        pictures = picture_geometry(processor.image_processor)
        self._pictures = pictures and pictures.of_tokens(max_image_tokens)
        self._videos = video_geometry(
            getattr(processor, "video_processor", None),
            timestamps=hasattr(processor, "_calculate_timestamps"),
        )
        for kind in (ItemKind.IMAGE, ItemKind.VIDEO):
            token = getattr(processor, f"{kind}_token_id", None)
            if token is not None:
                self.pads[int(token)] = kind

    def counting(self, tokenizer: Any) -> "PromptReader":
        """The same around another copy of the tokenizer, for whoever counts on another thread."""
        other = copy.copy(self)
        other.tokenizer = tokenizer
        return other

    def read(
        self,
        conversation: Conversation,
        tools: list[dict[str, Any]] | None,
        variables: dict[str, Any],
        shrink: float = 1.0,
        check: Callable[[], None] = lambda: None,
    ) -> Any:
        """The model's inputs, a batch of one. `shrink` leaves that part of the pixels to each picture and
        video; `check` is called between what takes long, and may raise.
        """
        if conversation.spelled is not None:
            return {"input_ids": torch.tensor([conversation.spelled])}
        messages = self._with_pixels(conversation, shrink, check)
        options = {"processor_kwargs": self._options(conversation, shrink)} if self._sees else {}
        return self._templated(
            self._reader,
            messages,
            tools,
            variables,
            continues=conversation.continues,
            return_dict=True,
            return_tensors="pt",
            **options,
        )

    def rendered(
        self, conversation: Conversation, tools: list[dict[str, Any]] | None, variables: dict[str, Any]
    ) -> list[int]:
        """The prompt's tokens, with one for each picture and video."""
        made = self._templated(
            self.tokenizer,
            conversation.messages,
            tools,
            variables,
            continues=conversation.continues,
            chat_template=self.template,
            return_dict=False,
        )
        return [int(token) for token in made]

    def opens_thoughts(self, inputs: Any) -> bool:
        """Whether the prompt ends inside the model's thoughts, so that the answer begins there. Where the mark
        is a token of its own, only that counts: a client's words are other tokens.
        """
        tokens = inputs["input_ids"][0, -_TAIL:].tolist()
        own = self.tokenizer.added_tokens_encoder.get(_OPENING)
        if own is not None and own not in tokens:
            return False
        tail = self.tokenizer.decode(tokens, skip_special_tokens=False)
        _, opened, inside = tail.rpartition(_OPENING)
        ended = (_CLOSING, *self.tokenizer.all_special_tokens)
        return bool(opened) and not any(token in inside for token in ended)

    def decode(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def plain(self, text: str) -> list[int]:
        return [int(token) for token in self.tokenizer.encode(text, add_special_tokens=False)]

    def pad(self, kind: ItemKind) -> int:
        return next(token for token, meant in self.pads.items() if meant is kind)

    @property
    def vision_marks(self) -> tuple[int, int]:
        """Around each group of a video's frames."""
        return int(self._reader.vision_start_token_id), int(self._reader.vision_end_token_id)

    def picture_tokens(self, picture: Picture) -> int:
        """Without decoding it."""
        width, height = picture.size
        if self._pictures is None:
            sizes = self._reader._get_num_multimodal_tokens(image_sizes=[(height, width)])  # noqa: SLF001 - the only way to ask
            return int(sizes["num_image_tokens"][0])
        try:
            return self._pictures.shape(width, height).tokens
        except TooNarrow:
            raise _too_narrow(picture.param) from None

    def video_shape(self, video: Video, shrink: float = 1.0) -> Shape:
        """Of each of its frames, without decoding one."""
        try:
            return self.videos_of(video).shape(len(video.indices), video.width, video.height, shrink)
        except TooNarrow:
            raise _too_narrow(video.param) from None

    def videos_of(self, video: Video) -> VideoGeometry:
        if self._videos is None:
            raise Unsupported("cannot look at videos: this model takes images only", param=video.param)
        return self._videos

    def _templated(
        self,
        templating: Any,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]] | None,
        variables: dict[str, Any],
        *,
        continues: bool,
        **options: Any,
    ) -> Any:
        wanted = {key: value for key, value in variables.items() if key in self._variables}
        try:
            return templating.apply_chat_template(
                self._with_plain_keys(self._with_whole_tokens(messages)),
                tools=self._with_plain_keys(tools),
                add_generation_prompt=not continues,
                continue_final_message=continues,
                tokenize=True,
                sanitize_control_tokens=True,
                **options,
                **self._with_plain_keys(wanted),
            )
        except _TEMPLATE_FAULTS as error:
            raise InvalidValue(
                f"cannot use these messages: the chat template says {str(error)[:LONGEST_SAID]}",
                param="messages",
            ) from None

    def _with_whole_tokens(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A token that is cut in two goes unnoticed, and is one again when a template joins the parts."""
        return [
            message | {"content": whole_tokens(held, self._control_tokens)}
            if isinstance(held := message.get("content"), list)
            else message
            for message in messages
        ]

    def _with_plain_keys(self, value: Any) -> Any:
        """Transformers marks what looks like a control token in every value, but in no key of an object."""
        if isinstance(value, dict):
            return {
                mark_control_tokens(key, self._control_tokens): self._with_plain_keys(held)
                for key, held in value.items()
            }
        return [self._with_plain_keys(held) for held in value] if isinstance(value, list) else value

    def _with_pixels(
        self, conversation: Conversation, shrink: float, check: Callable[[], None]
    ) -> list[dict[str, Any]]:
        """A copy with the decoded pictures and videos in their places."""
        pictures, videos = iter(conversation.pictures), iter(conversation.videos)

        def filled(part: dict[str, Any]) -> dict[str, Any]:
            check()
            match part["type"]:
                case "image":
                    return part | {"image": self._image(next(pictures), shrink)}
                case "video":
                    return part | {"video": self._clip(next(videos), shrink, check)}
                case _:
                    return part

        def with_parts(message: dict[str, Any]) -> dict[str, Any]:
            content = message.get("content")
            return (
                message | {"content": [filled(part) for part in content]}
                if isinstance(content, list)
                else message
            )

        return [with_parts(message) for message in conversation.messages]

    def _image(self, picture: Picture, shrink: float) -> Image.Image:
        """The processor scales it, unless it is to be smaller than the processor would have it."""
        image = picture.decode()
        if shrink >= 1.0:
            return image
        if self._pictures is None:
            side = math.sqrt(shrink)
            return image.resize((max(round(image.width * side), 1), max(round(image.height * side), 1)))
        width, height = image.size
        try:
            shape = self._pictures.shape(width, height, shrink)
        except TooNarrow:
            raise _too_narrow(picture.param) from None
        return image.resize((shape.width, shape.height), Image.Resampling.BICUBIC)

    def _clip(self, video: Video, shrink: float, check: Callable[[], None]) -> Any:
        """The sampled frames at the size that the model reads, in the processor's own way of scaling."""
        shape = self.video_shape(video, shrink)
        size = [shape.height, shape.width]
        return torch.stack(
            [
                transforms.resize(
                    torch.from_numpy(frame).permute(2, 0, 1), size, InterpolationMode.BICUBIC, antialias=True
                )
                for frame in video.frames(check)
            ]
        )

    def _options(self, conversation: Conversation, shrink: float) -> dict[str, Any]:
        """What the processor is told to do, whatever its own settings say."""
        options: dict[str, Any] = {"add_special_tokens": False}
        if conversation.pictures and self._pictures is not None:
            least = self._pictures.least if shrink >= 1.0 else 1  # else scaled already
            options["images_kwargs"] = {"size": {"shortest_edge": least, "longest_edge": self._pictures.most}}
        if conversation.videos and self._videos is not None:
            options["videos_kwargs"] = {
                "do_sample_frames": False,
                "do_resize": False,  # done already, frame by frame
                "cap_pixels_per_frame": self._videos.cap,
                "input_data_format": "channels_first",
                "video_metadata": [_metadata(video) for video in conversation.videos],
            }
        return options


def _template(reader: Any) -> str:
    """Some have several, by name."""
    given = reader.chat_template
    return str(given.get("default", "") if isinstance(given, dict) else given or "")


def _metadata(video: Video) -> Any:
    return VideoMetadata(
        total_num_frames=video.total,
        fps=video.fps,
        width=video.width,
        height=video.height,
        duration=video.seconds,
        frames_indices=list(video.indices),
    )


def _too_narrow(param: str) -> InvalidValue:
    return InvalidValue("cannot use this: one side is over 200 times the other", param=param)
