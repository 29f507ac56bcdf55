"""Exactly how many tokens a prompt has: the model's own template and tokenizer, and arithmetic for the rest.

No model is asked and no pixel decoded, so it may be done from any thread before a request is let in. What is
counted here is to the token what the processor makes of the same prompt later.
"""

import copy
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind
from switchyard_image_server.chat.geometry import moments
from switchyard_image_server.chat.prompt import PromptReader
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidValue
from switchyard_image_server.media.pictures import Picture
from switchyard_image_server.media.videos import Video


class Counter:
    """Has a tokenizer of its own: one that two threads use at once raises "Already borrowed"."""

    def __init__(self, reader: PromptReader, context: int) -> None:
        tokenizer = copy.deepcopy(reader.tokenizer)
        tokenizer.model_max_length = sys.maxsize  # what is too long is refused here, not warned of
        self._reader = reader.counting(tokenizer)
        self._context = context
        self._turn = threading.Lock()

    def spell(self, request: ChatRequest, conversation: Conversation) -> tuple[Counted, list[int]]:
        """How many, and the tokens as the model will read them. From any thread. Raises what the caller did
        wrong.
        """
        with self._turn:
            plain = self._reader.rendered(conversation, request.offered_tools, request.chat_template_kwargs)
            media = list(self._media(plain, conversation))
        spread: list[int] = []
        items: list[CountedItem] = []
        follow = iter(media)
        for token in plain:
            if token in self._reader.pads:
                item, made = next(follow)
                label = conversation.labels.get(item.param or "")
                items.append(replace(item, tokens=len(made), label=label))
                spread += made
            else:
                spread.append(token)
        words = len(plain) - len(media)
        items.append(CountedItem(ItemKind.TEXT, words))
        return Counted(tuple(items), self._context), spread

    def text(self, prompt: str) -> list[int]:
        """The tokens of bare text, the tokenizer's own marks included."""
        with self._turn:
            return [int(token) for token in self._reader.tokenizer.encode(prompt)]

    def _media(self, plain: list[int], conversation: Conversation) -> Iterator[tuple[CountedItem, list[int]]]:
        """What stands for each picture and video, in the order of the prompt."""
        pads = self._reader.pads
        pictures, videos = iter(conversation.pictures), iter(conversation.videos)
        places = [pads[token] for token in plain if token in pads]
        for kind, given in ((ItemKind.IMAGE, conversation.pictures), (ItemKind.VIDEO, conversation.videos)):
            if (there := places.count(kind)) != len(given):
                raise InvalidValue(
                    f"cannot use these messages: the model's chat template has a place for {there} of the "
                    f"{len(given)} {kind}s; send them in user messages",
                    param="messages",
                )
        for kind in places:
            yield self._picture(next(pictures)) if kind is ItemKind.IMAGE else self._video(next(videos))

    def _picture(self, picture: Picture) -> tuple[CountedItem, list[int]]:
        width, height = picture.size
        number = self._reader.picture_tokens(picture)
        item = CountedItem(ItemKind.IMAGE, number, picture.param, width=width, height=height)
        return item, [self._reader.pad(ItemKind.IMAGE)] * number

    def _video(self, video: Video) -> tuple[CountedItem, list[int]]:
        geometry = self._reader.videos_of(video)
        frames = len(video.indices)
        each = self._reader.video_shape(video).tokens
        item = CountedItem(
            ItemKind.VIDEO, 0, video.param, width=video.width, height=video.height, frames=frames
        )
        pad = [self._reader.pad(ItemKind.VIDEO)] * each
        if not geometry.timestamps:
            return item, pad * geometry.groups(frames)
        start, end = self._reader.vision_marks
        spread: list[int] = []
        for moment in moments(video.indices, video.fps, geometry.group):
            spread += [*self._reader.plain(f"<{moment:.1f} seconds>"), start, *pad, end]
        return item, spread
