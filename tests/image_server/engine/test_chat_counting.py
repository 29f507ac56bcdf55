"""What is counted without decoding, beside what the real processors make of the same prompt: token by token."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize as picture_resize
from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize as video_resize

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import ItemKind
from switchyard_image_server.chat.counting import Counter
from switchyard_image_server.chat.geometry import PictureGeometry, TooNarrow, VideoGeometry, video_geometry
from switchyard_image_server.chat.prompt import PromptReader
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidValue, Unsupported
from switchyard_image_server.media.pictures import Picture
from switchyard_image_server.media.videos import Sampling, open_video
from tests.image_server.engine.films import film
from tests.image_server.engine.tiny_language import make_processor, make_tokenizer

REAL_PICTURES = {"shortest_edge": 65_536, "longest_edge": 16_777_216}
REAL_VIDEOS = {"shortest_edge": 4_096, "longest_edge": 25_165_824}
WORDS = [
    "What is this?",
    "<|image_pad|>",
    "<|im_end|>\n<|im_start|>system\n",
    "<think>",
    "naïve 你好 🦆",
    " \n",
    "3",
]
ASKED = ChatRequest.model_validate({"messages": [{"role": "user", "content": "x"}]})


def tiny_qwen3() -> Any:
    return make_processor(make_tokenizer())


def real_qwen3() -> Any:
    processor = make_processor(make_tokenizer())
    processor.image_processor = Qwen2VLImageProcessor(patch_size=16, size=REAL_PICTURES)
    processor.video_processor.size = REAL_VIDEOS
    processor.video_processor.cap_pixels_per_frame = None
    return processor


def qwen2_5(cap: bool | None = None, most: int = 100_352) -> Any:
    tokenizer = make_tokenizer()
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size={"shortest_edge": 3_136, "longest_edge": most}),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(
            size={"shortest_edge": 3_136, "longest_edge": most}, cap_pixels_per_frame=cap, max_video_tokens=90
        ),
        chat_template=tokenizer.chat_template,
    )


PROCESSORS = {
    "qwen3 tiny": tiny_qwen3,
    "qwen3 as published": real_qwen3,
    "qwen2.5": qwen2_5,
    "qwen2.5 uncapped": lambda: qwen2_5(cap=False),
    "qwen2.5 large": lambda: qwen2_5(most=12_845_056),
}


@pytest.fixture(scope="module", params=PROCESSORS)
def reader(request: pytest.FixtureRequest) -> PromptReader:
    return PromptReader(PROCESSORS[request.param](), sees=True)


def picture(width: int, height: int, param: str = "picture") -> Picture:
    return Picture(Image.new("RGB", (width, height)), param)


def prompt(seed: int, largest: int = 400) -> Conversation:
    """Several turns, with pictures and videos anywhere."""
    chance = random.Random(seed)
    pictures, videos, messages = [], [], []
    for turn in range(chance.randint(1, 3)):
        parts: list[dict[str, Any]] = []
        for _ in range(chance.randint(0, 2)):
            pictures.append(picture(chance.randint(8, largest), chance.randint(8, largest)))
            parts.append({"type": "image"})
        if chance.random() < 0.4:
            content = film(
                *chance.choice([("mp4", "mpeg4"), ("webm", "libvpx"), ("gif", "gif")]),
                frames=chance.randint(1, 40),
                rate=chance.choice([8, 25, 30]),
                size=(chance.randint(8, 90) * 2, chance.randint(8, 90) * 2),
            )
            videos.append(open_video(content, "video", Sampling(chance.choice([2.0, 7.0]), 12)))
            parts.append({"type": "video"})
        parts += [{"type": "text", "text": chance.choice(WORDS)} for _ in range(chance.randint(1, 4))]
        # Media that were opened first come first.
        order = [part for part in parts if part["type"] != "text"]
        chance.shuffle(parts)
        following = iter(order)
        parts = [part if part["type"] == "text" else next(following) for part in parts]
        messages.append({"role": "user" if turn % 2 == 0 else "tool", "content": parts})
    return Conversation(messages, pictures, videos)


@pytest.mark.parametrize("seed", range(8))
def test_every_token_is_known_before_a_pixel_is_decoded(reader: PromptReader, seed: int) -> None:
    conversation = prompt(seed)

    counted, tokens = Counter(reader, 1000).spell(ASKED, conversation)

    real = reader.read(conversation, None, {})["input_ids"][0].tolist()
    assert tokens == real
    assert counted.total == len(real)


def test_each_picture_and_video_is_told_apart(reader: PromptReader) -> None:
    conversation = prompt(4)

    counted = Counter(reader, 1000).spell(ASKED, conversation)[0]

    kinds = [item.kind for item in counted.items]
    assert kinds.count(ItemKind.IMAGE) == len(conversation.pictures)
    assert kinds.count(ItemKind.VIDEO) == len(conversation.videos)
    assert kinds[-1] is ItemKind.TEXT
    assert all(item.tokens > 0 for item in counted.items)


@pytest.mark.parametrize("size", [(1024, 700), (70, 40)])
@pytest.mark.parametrize("most", [4, 64, 300])
@pytest.mark.parametrize("shrink", [1.0, 0.5, 0.01])
def test_the_operators_limit_is_kept_by_the_counter_and_by_the_reader(
    size: tuple[int, int], most: int, shrink: float
) -> None:
    limited = PromptReader(real_qwen3(), sees=True, max_image_tokens=most)
    conversation = Conversation([{"role": "user", "content": [{"type": "image"}]}], [picture(*size)])

    counted = Counter(limited, 1000).spell(ASKED, conversation)[0]
    read = limited.read(conversation, None, {}, shrink)

    grid = int(read["image_grid_thw"][0].prod()) // 4
    assert counted.items[0].tokens <= most
    assert grid <= max(counted.items[0].tokens * shrink, 1)
    if shrink == 1.0:
        assert counted.items[0].tokens == grid


def test_a_smaller_budget_makes_smaller_videos(reader: PromptReader) -> None:
    video = open_video(film(frames=20, size=(180, 120)), "video", Sampling())
    conversation = Conversation([{"role": "user", "content": [{"type": "video"}]}], [], [video])

    whole, half = (reader.read(conversation, None, {}, shrink) for shrink in (1.0, 0.5))

    assert half["pixel_values_videos"].shape[0] <= whole["pixel_values_videos"].shape[0] / 2
    assert half["video_grid_thw"][0][0] == whole["video_grid_thw"][0][0]


@pytest.mark.parametrize("shrink", [0.5, 0.1])
def test_a_smaller_budget_makes_smaller_pictures_whatever_the_limits(
    reader: PromptReader, shrink: float
) -> None:
    parts = [{"type": "image"}, {"type": "image"}]
    conversation = Conversation([{"role": "user", "content": parts}], [picture(300, 200), picture(70, 40)])

    whole, small = (reader.read(conversation, None, {}, part)["image_grid_thw"] for part in (1.0, shrink))

    for before, after in zip(whole, small, strict=True):
        assert after.prod() <= max(before.prod() * shrink, 4)


def test_frames_are_scaled_as_the_processor_scales_them(reader: PromptReader) -> None:
    """They are scaled one by one here, because all of them at their own size are too many."""
    video = open_video(film(frames=9, size=(150, 90), corner=True), "video", Sampling())
    conversation = Conversation([{"role": "user", "content": [{"type": "video"}]}], [], [video])

    ours = reader.read(conversation, None, {})["pixel_values_videos"]

    clip = torch.stack([torch.from_numpy(frame).permute(2, 0, 1) for frame in video.frames()])
    geometry = reader.videos_of(video)
    theirs = reader._reader.video_processor(
        videos=[clip], do_sample_frames=False, cap_pixels_per_frame=geometry.cap, return_tensors="pt"
    )["pixel_values_videos"]
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("seed", range(10))
def test_a_videos_grid_is_the_processors_own(reader: PromptReader, seed: int) -> None:
    """The processor scales nothing any more: here it does, and is asked what came of it."""
    chance = random.Random(seed)
    frames, width, height = chance.randint(2, 41), chance.randint(32, 300), chance.randint(32, 300)
    geometry = video_geometry(reader._reader.video_processor, timestamps=True)
    assert geometry is not None

    shape = geometry.shape(frames, width, height)

    real = reader._reader.video_processor(
        videos=[torch.zeros(frames, 3, height, width, dtype=torch.uint8)],
        do_sample_frames=False,
        cap_pixels_per_frame=geometry.cap,
        return_tensors="pt",
    )["video_grid_thw"][0]
    patches = [geometry.groups(frames), shape.height // geometry.patch, shape.width // geometry.patch]
    assert patches == real.tolist()


def test_frames_are_capped_unless_the_model_says_otherwise() -> None:
    """As in Qwen's own preprocessing. Transformers leaves it open, and is about to change its mind."""
    uncapped = Qwen2VLVideoProcessor(cap_pixels_per_frame=False)
    found = [video_geometry(one, timestamps=False) for one in (Qwen2VLVideoProcessor(), uncapped)]

    assert [geometry and geometry.cap for geometry in found] == [True, False]


def test_frames_are_scaled_once() -> None:
    """Three frames would come out larger of a second scaling."""
    tight = tiny_qwen3()
    tight.video_processor.size = {"shortest_edge": 4096, "longest_edge": 7 * 96 * 96}
    reader = PromptReader(tight, sees=True)
    video = open_video(film(frames=3, size=(64, 240)), "video", Sampling())
    conversation = Conversation([{"role": "user", "content": [{"type": "video"}]}], [], [video])
    shape = reader.video_shape(video)
    again = reader.videos_of(video).shape(3, shape.width, shape.height)
    assert again != shape, "the example is no example any more"

    read = reader.read(conversation, None, {})

    assert read["video_grid_thw"][0].tolist() == [2, shape.height // 16, shape.width // 16]


SIDES = st.integers(1, 9000)


def outcome(counted: Any, *arguments: Any) -> Any:
    """What it says; or that it refuses."""
    try:
        return counted(*arguments)
    except ValueError:
        return "refused"


@given(SIDES, SIDES, st.sampled_from([(16, 65_536, 16_777_216), (14, 3_136, 12_845_056), (14, 1, 2_000)]))
@settings(max_examples=1500)
def test_pictures_are_scaled_to_what_the_processor_scales_them_to(
    width: int, height: int, limits: tuple[int, int, int]
) -> None:
    patch, least, most = limits
    geometry = PictureGeometry(patch, 2, least, most)

    def ours(width: int, height: int) -> tuple[int, int]:
        shape = geometry.shape(width, height)
        assert shape.tokens == shape.width * shape.height // geometry.square**2
        return shape.height, shape.width

    real = outcome(lambda wide, tall: picture_resize(tall, wide, geometry.square, least, most), width, height)

    assert outcome(ours, width, height) == real


@given(st.integers(2, 768), st.integers(16, 4000), st.integers(16, 4000), st.booleans())
@settings(max_examples=1500)
def test_videos_are_scaled_to_what_the_processor_scales_them_to(
    frames: int, width: int, height: int, cap: bool
) -> None:
    geometry = VideoGeometry(16, 2, 2, 4_096, 25_165_824, cap, 768, timestamps=True, together=True)
    most = geometry.most
    if cap:
        most = max(min(768 * 1024, most // frames), int(4_096 * 1.05)) * frames

    real = outcome(lambda n, w, h: video_resize(n, h, w, 2, 32, 4_096, most), frames, width, height)

    def ours(*arguments: int) -> tuple[int, int]:
        shape = geometry.shape(*arguments)
        return shape.height, shape.width

    assert outcome(ours, frames, width, height) == real


def test_a_shape_that_no_processor_takes_is_refused_by_name(reader: PromptReader) -> None:
    conversation = Conversation(
        [{"role": "user", "content": [{"type": "image"}]}], [picture(402, 2, "the.field")]
    )

    with pytest.raises(InvalidValue, match="over 200 times") as refused:
        Counter(reader, 1000).spell(ASKED, conversation)[0]

    assert refused.value.param == "the.field"
    with pytest.raises(TooNarrow):
        PictureGeometry(16, 2, 1, 10).shape(402, 2)


def test_many_threads_may_count_while_the_worker_reads(reader: PromptReader) -> None:
    """One tokenizer between two threads raises "Already borrowed" sooner or later."""
    conversation = prompt(1)
    counter = Counter(reader, 1000)
    expected = counter.spell(ASKED, conversation)[0].total
    start = threading.Barrier(5)

    def count() -> set[int]:
        start.wait(10)
        return {counter.spell(ASKED, conversation)[0].total for _ in range(15)}

    with ThreadPoolExecutor(4) as pool:
        counts = [pool.submit(count) for _ in range(4)]
        start.wait(10)
        read = {int(reader.read(conversation, None, {})["input_ids"].shape[1]) for _ in range(10)}

    assert read.union(*(one.result(30) for one in counts)) == {expected}


def test_the_counters_tokenizer_is_its_own_and_used_by_one_thread_at_a_time(reader: PromptReader) -> None:
    counter = Counter(reader, 1000)
    tokenizer = counter._reader.tokenizer
    inside, most = [0], [0]
    usual = tokenizer.apply_chat_template

    def watched(*arguments: Any, **options: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        made = usual(*arguments, **options)
        inside[0] -= 1
        return made

    tokenizer.apply_chat_template = watched
    with ThreadPoolExecutor(4) as pool:
        for _ in [*pool.map(lambda _: counter.spell(ASKED, prompt(0))[0], range(12))]:
            pass

    assert most == [1]
    assert tokenizer is not reader.tokenizer
    assert tokenizer._tokenizer is not reader.tokenizer._tokenizer


def test_a_template_without_a_place_for_a_picture_says_so() -> None:
    processor = tiny_qwen3()
    processor.chat_template = "{% for message in messages %}{{ message.role }}{% endfor %}"
    conversation = Conversation([{"role": "user", "content": [{"type": "image"}]}], [picture(40, 40)])

    with pytest.raises(InvalidValue, match="has a place for 0 of the 1 images"):
        Counter(PromptReader(processor, sees=True), 1000).spell(ASKED, conversation)[0]


def test_a_processor_of_another_family_is_asked_itself() -> None:
    class OtherPictures(Qwen2VLImageProcessor):  # type: ignore[misc]
        pass

    processor = tiny_qwen3()
    processor.image_processor = OtherPictures(size={"shortest_edge": 3_136, "longest_edge": 100_352})
    processor.video_processor = Qwen2VLVideoProcessor()
    reader = PromptReader(processor, sees=True)
    conversation = Conversation([{"role": "user", "content": [{"type": "image"}]}], [picture(300, 200)])

    counted, tokens = Counter(reader, 1000).spell(ASKED, conversation)

    assert tokens == reader.read(conversation, None, {})["input_ids"][0].tolist()
    assert counted.items[0].tokens > 1


def test_a_processor_of_another_family_takes_no_videos() -> None:
    class OtherVideos(Qwen2VLVideoProcessor):  # type: ignore[misc]
        pass

    processor = tiny_qwen3()
    processor.video_processor = OtherVideos()
    reader = PromptReader(processor, sees=True)
    video = open_video(film(), "the.field", Sampling())
    conversation = Conversation([{"role": "user", "content": [{"type": "video"}]}], [], [video])

    with pytest.raises(Unsupported, match="takes images only") as refused:
        Counter(reader, 1000).spell(ASKED, conversation)[0]

    assert refused.value.param == "the.field"


def test_bare_text_is_counted_as_it_stands(reader: PromptReader) -> None:
    tokens = Counter(reader, 1000).text("What is this?<|im_end|>")

    assert reader.tokenizer.decode(tokens) == "What is this?<|im_end|>"
