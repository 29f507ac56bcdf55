"""Rows of any length and kind share passes, and get what they would get alone."""

import gc
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from PIL import Image

from switchyard_image_server.chat.batch.bench import Row
from switchyard_image_server.chat.batch.benches import Benches, Step
from switchyard_image_server.chat.batch.layers import Attended, Remembered
from switchyard_image_server.chat.batch.passes import Passes, Prompt
from switchyard_image_server.errors import EngineFault, OutOfMemory
from tests.image_server.engine import tiny_language

SEEING = ["qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen2_5_vl"]
EVERY = [*SEEING, "qwen3", "sliding"]
CLOSE = {"rtol": 1e-3, "atol": 1e-3}  # of logits around 10


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.frombytes("RGB", size, random.Random(1).randbytes(3 * size[0] * size[1]))


class Lab:
    """One model, and prompts for it."""

    def __init__(self, architecture: str) -> None:
        tokenizer = tiny_language.make_tokenizer()
        self.sees = architecture in SEEING
        self.model = tiny_language.make_model(architecture, tokenizer)
        self.reader = tiny_language.make_processor(tokenizer) if self.sees else tokenizer
        self.passes = Passes(self.model, "cpu")
        self.batches: list[int] = []
        self.model.register_forward_pre_hook(self._note, with_kwargs=True)
        self.freed = 0
        self.benches = Benches(self.passes, self._free)

    def _free(self) -> None:
        self.freed += 1

    def _note(self, _: Any, __: Any, options: dict[str, Any]) -> None:
        self.batches.append(int(options["input_ids"].shape[0]))

    def inputs(self, words: str, *pictures: tuple[int, int]) -> Any:
        content: Any = [{"type": "text", "text": words}]
        content += [{"type": "image", "image": noise(size)} for size in pictures]
        return self.reader.apply_chat_template(
            [{"role": "user", "content": content if self.sees else words}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )

    def read(self, inputs: Any, piece: int = 1024) -> Prompt:
        reading = self.passes.read(inputs, piece)
        while True:
            try:
                next(reading)
            except StopIteration as done:
                return done.value

    def enter(self, inputs: Any, copies: int = 1, *, alone: bool = False) -> list["Greedy"]:
        prompt = self.read(inputs)
        rows = self.benches.enter(prompt, copies, alone=alone)
        return [Greedy(row, prompt.logits[0]) for row in rows]

    def step(self, answers: Sequence["Greedy"]) -> list[Any]:
        for answer in answers:
            answer.row.token = answer.tokens[-1]
        results = self.benches.compute([Step((answer.row,)) for answer in answers])
        for answer, result in zip(answers, results, strict=True):
            if isinstance(result, torch.Tensor):
                answer.take(result[0])
        return results

    def alone(self, inputs: Any, tokens: int) -> tuple[list[int], torch.Tensor]:
        """What Transformers' own loop makes of it: tokens, and the logits that chose them."""
        with torch.inference_mode():
            made = self.model.generate(
                **inputs,
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=False,
                output_logits=True,
                return_dict_in_generate=True,
                eos_token_id=self.model.config.get_text_config().vocab_size,
            )
        self.model.base_model.rope_deltas = None
        return made.sequences[0, inputs["input_ids"].shape[1] :].tolist(), torch.cat(made.logits)


class Greedy:
    def __init__(self, row: Row, logits: torch.Tensor) -> None:
        self.row = row
        self.logits: list[torch.Tensor] = []
        self.tokens: list[int] = []
        self.take(logits)

    def take(self, logits: torch.Tensor) -> None:
        self.logits.append(logits)
        self.tokens.append(int(logits.argmax()))


@pytest.fixture(params=EVERY)
def lab(request: pytest.FixtureRequest) -> Lab:
    return Lab(request.param)


@pytest.fixture
def text_lab() -> Lab:
    return Lab("qwen3")


@pytest.fixture(params=["qwen3", "qwen3_5"])
def either_lab(request: pytest.FixtureRequest) -> Lab:
    """One that keeps keys and values only, and one that keeps states, too."""
    return Lab(request.param)


class Starved:
    """Runs out of memory in the layer, but only while `hungry` says so of the batch's size."""

    def __init__(self, module: Any, hungry: Callable[[int], bool]) -> None:
        self._hungry = hungry
        self.times = 0
        self.hook = module.register_forward_pre_hook(self._before, with_kwargs=True)

    def _before(self, _: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        hidden = arguments[0] if arguments else options["hidden_states"]
        if self._hungry(hidden.shape[0]):
            self.times += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")


def prompts(lab: Lab) -> list[Any]:
    pictures: list[tuple[tuple[int, int], ...]] = [(), ((96, 64),), ((64, 96), (40, 200)), ()]
    words = ["hi", "look at this", "and these two " * 4, "a cat in the park " * 12]
    return [lab.inputs(text, *(seen if lab.sees else ())) for text, seen in zip(words, pictures, strict=True)]


def last_layer(lab: Lab) -> Any:
    return lab.model.get_decoder().layers[-1]


def test_rows_that_share_passes_get_what_they_would_get_alone(lab: Lab) -> None:
    asked = prompts(lab)
    expected = [lab.alone(inputs, 12) for inputs in asked]

    answers = [lab.enter(inputs)[0] for inputs in asked]
    for _ in range(11):
        lab.step(answers)

    for answer, (tokens, logits) in zip(answers, expected, strict=True):
        torch.testing.assert_close(torch.stack(answer.logits), logits, **CLOSE)
        assert answer.tokens == tokens


def test_rows_come_and_go_between_passes(lab: Lab) -> None:
    asked = prompts(lab)
    expected = [lab.alone(inputs, 30) for inputs in asked]
    answers: list[Greedy] = []

    for number in range(30):
        if number % 3 == 0 and len(answers) < len(asked):
            answers += lab.enter(asked[len(answers)])
        if number == 12:
            lab.benches.leave([answers[1].row])
        lab.step([answer for i, answer in enumerate(answers) if not (i == 1 and number >= 12)])

    for answer, (tokens, logits) in zip(answers, expected, strict=True):
        made = len(answer.tokens)
        torch.testing.assert_close(torch.stack(answer.logits)[:30], logits[:made], **CLOSE)
        assert answer.tokens[:30] == tokens[:made]
    assert [len(answer.tokens) for answer in answers] == [31, 10, 25, 22]


@pytest.mark.parametrize("architecture", [name for name in EVERY if name != "sliding"])
def test_rows_of_any_length_share_one_pass(architecture: str) -> None:
    lab = Lab(architecture)
    answers = [lab.enter(inputs)[0] for inputs in prompts(lab)]
    lab.batches.clear()

    lab.step(answers)

    assert lab.batches == [4]


def test_what_cannot_be_joined_is_stepped_one_by_one() -> None:
    lab = Lab("sliding")
    answers = [lab.enter(inputs)[0] for inputs in prompts(lab)]
    lab.batches.clear()

    lab.step(answers)

    assert lab.batches == [1, 1, 1, 1]


def test_nothing_about_one_prompt_stays_on_the_shared_model() -> None:
    lab = Lab("qwen3_vl")

    lab.step(lab.enter(lab.inputs("look", (96, 64))))

    assert lab.model.model.rope_deltas is None


def test_choices_go_their_own_ways_from_one_reading(lab: Lab) -> None:
    inputs = prompts(lab)[1]
    expected, _ = lab.alone(inputs, 8)
    lab.batches.clear()

    faithful, other = lab.enter(inputs, copies=2)
    other.tokens[-1] = 5
    for _ in range(7):
        lab.step([faithful, other])

    assert faithful.tokens == expected
    assert other.tokens[1:] != expected[1:]
    assert lab.batches.count(1) in {1, 1 + 2 * 7}  # one reading; the steps are shared, or cannot be


def test_rows_alone_are_the_same_to_the_bit_whoever_else_is_there(lab: Lab) -> None:
    asked = prompts(lab)

    def alone_among(others: list[Any]) -> torch.Tensor:
        (lonely,) = lab.enter(asked[0], alone=True)
        crowd = [lab.enter(inputs)[0] for inputs in others]
        for _ in range(10):
            lab.step([*crowd, lonely])
        lab.benches.leave([answer.row for answer in [lonely, *crowd]])
        return torch.stack(lonely.logits)

    assert torch.equal(alone_among([]), alone_among(asked[1:]))


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_a_text_that_is_read_in_pieces_is_the_same_text(lab: Lab, piece: int) -> None:
    inputs = lab.inputs("a cat in the park " * 12)
    whole = lab.read(inputs)

    prompt = lab.read(inputs, piece)

    torch.testing.assert_close(prompt.logits, whole.logits, **CLOSE)
    assert (prompt.length, prompt.position) == (whole.length, whole.position)


def test_others_have_a_turn_between_the_pieces(text_lab: Lab) -> None:
    inputs = text_lab.inputs("a cat in the park " * 12)
    length = inputs["input_ids"].shape[1]

    turns = sum(1 for _ in text_lab.passes.read(inputs, 10))

    assert turns == -(-length // 10) - 1


def test_pictures_are_read_in_one_piece() -> None:
    lab = Lab("qwen3_vl")

    turns = sum(1 for _ in lab.passes.read(lab.inputs("look", (96, 64)), 2))

    assert turns == 0


def test_a_pass_that_fails_for_all_is_tried_one_by_one(either_lab: Lab) -> None:
    asked = prompts(either_lab)
    expected = [either_lab.alone(inputs, 6) for inputs in asked]
    answers = [either_lab.enter(inputs)[0] for inputs in asked]
    starved = Starved(last_layer(either_lab), lambda batch: batch > 1)

    for _ in range(5):
        either_lab.step(answers)

    assert starved.times == 5
    assert either_lab.freed == 5
    for answer, (tokens, logits) in zip(answers, expected, strict=True):
        torch.testing.assert_close(torch.stack(answer.logits), logits, **CLOSE)
        assert answer.tokens == tokens


def test_only_the_row_that_fails_alone_gets_the_error(either_lab: Lab) -> None:
    asked = prompts(either_lab)
    expected = [either_lab.alone(inputs, 6) for inputs in asked]
    answers = [either_lab.enter(inputs)[0] for inputs in asked]
    tries: list[int] = []

    def hungry(batch: int) -> bool:
        tries.append(batch)
        return batch > 1 or len(tries) == 3  # together, and then the second row

    starved = Starved(last_layer(either_lab), hungry)
    results = either_lab.step(answers)
    starved.hook.remove()
    either_lab.benches.leave([answers[1].row])
    left = [answers[0], *answers[2:]]
    for _ in range(4):
        either_lab.step(left)

    assert [isinstance(result, OutOfMemory) for result in results] == [False, True, False, False]
    for answer, (tokens, _) in zip(left, [expected[0], *expected[2:]], strict=True):
        assert answer.tokens == tokens


def test_a_fault_is_told_without_its_traceback(text_lab: Lab) -> None:
    def break_(*_: Any) -> None:
        raise RuntimeError("the device is gone")

    answers = text_lab.enter(text_lab.inputs("hi"))
    last_layer(text_lab).register_forward_pre_hook(break_)

    (result,) = text_lab.step(answers)

    assert isinstance(result, EngineFault)
    assert "the device is gone" in result.message
    assert result.__traceback__ is None
    assert result.__context__ is None


def starve(*_: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def bench_of(lab: Lab) -> Any:
    return lab.benches._benches[0]


def test_a_newcomer_who_cannot_be_joined_to_others_sits_apart(
    either_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts(either_lab)
    expected = [either_lab.alone(inputs, 8) for inputs in asked]
    answers = either_lab.enter(asked[0]) + either_lab.enter(asked[1])

    with monkeypatch.context() as patched:
        patched.setattr(bench_of(either_lab)._layers[-1], "admit", starve)
        answers += either_lab.enter(asked[2])
    either_lab.batches.clear()
    either_lab.step(answers)
    either_lab.step(answers)
    answers += either_lab.enter(asked[3])
    for _ in range(5):
        either_lab.step(answers)

    assert either_lab.batches == [2, 1, 2, 1, 1, *[3, 1] * 5]  # with a reading
    for answer, (tokens, logits) in zip(answers, expected, strict=True):
        made = len(answer.tokens)
        torch.testing.assert_close(torch.stack(answer.logits), logits[:made], **CLOSE)
        assert answer.tokens == tokens[:made]


def test_a_newcomer_for_whom_there_is_no_memory_disturbs_nobody(
    either_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts(either_lab)
    expected, logits = either_lab.alone(asked[0], 6)
    (here,) = either_lab.enter(asked[0])

    with monkeypatch.context() as patched:
        for layer in (Attended, Remembered):
            patched.setattr(layer, "admit", starve)
        with pytest.raises(torch.OutOfMemoryError):
            either_lab.enter(asked[1])
    for _ in range(5):
        either_lab.step([here])

    assert either_lab.benches.rows == 1
    torch.testing.assert_close(torch.stack(here.logits), logits, **CLOSE)
    assert here.tokens == expected


@pytest.mark.parametrize(("alone", "failing"), [(True, 8), (False, 5)])  # with three layers
def test_choices_for_which_there_is_no_memory_leave_no_row_behind(
    text_lab: Lab, monkeypatch: pytest.MonkeyPatch, alone: bool, failing: int
) -> None:
    admitted: list[Any] = []
    admit = Attended.admit

    def fails_once(layer: Any, source: Any, copies: int, room: int) -> None:
        admitted.append(layer)
        if len(admitted) == failing:
            starve()
        admit(layer, source, copies, room)

    monkeypatch.setattr(Attended, "admit", fails_once)
    text_lab.enter(text_lab.inputs("hi"), alone=True)

    with pytest.raises(torch.OutOfMemoryError):
        text_lab.enter(text_lab.inputs("hi"), copies=2, alone=alone)

    assert text_lab.benches.rows == 1


def test_a_seat_that_cannot_be_given_back_for_want_of_memory_costs_nobody_anything(
    either_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts(either_lab)
    expected = [either_lab.alone(inputs, 6)[0] for inputs in asked]
    answers = [either_lab.enter(inputs)[0] for inputs in asked]
    monkeypatch.setattr(bench_of(either_lab)._layers[-1], "resize", starve)

    either_lab.benches.leave([answers[1].row])
    left = [answers[0], *answers[2:]]
    for _ in range(5):
        either_lab.step(left)

    assert [answer.tokens for answer in left] == [expected[0], *expected[2:]]


def test_the_newest_gives_way_where_memory_does_not_suffice_for_all(
    either_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts(either_lab)
    expected = [either_lab.alone(inputs, 90)[0] for inputs in asked]
    answers = [either_lab.enter(inputs)[0] for inputs in asked]
    layer = bench_of(either_lab)._layers[0]
    grow = layer.resize

    def hungry(rows: int, room: int) -> None:
        if rows > 3:
            starve()
        grow(rows, room)

    monkeypatch.setattr(layer, "resize", hungry)
    given_up: list[int] = []
    for _ in range(89):
        going_on = [answer for i, answer in enumerate(answers) if i not in given_up]
        results = either_lab.step(going_on)
        given_up += [
            answers.index(going_on[i]) for i, one in enumerate(results) if isinstance(one, OutOfMemory)
        ]

    assert given_up == [3]
    assert [answer.tokens for answer in answers[:3]] == expected[:3]


def tensors() -> int:
    gc.collect()
    return sum(1 for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor))


def test_who_has_left_keeps_nothing(lab: Lab) -> None:
    def serve() -> None:
        answers = [answer for inputs in prompts(lab) for answer in lab.enter(inputs, copies=2)]
        for i in range(8):
            lab.step(answers[i:])
            lab.benches.leave([answers[i].row])

    serve()  # what is made once is made now
    before = tensors()

    serve()

    assert tensors() == before
    assert lab.benches.rows == 0


def test_a_seat_that_was_left_is_given_back_with_the_next_pass(text_lab: Lab) -> None:
    long, short = text_lab.inputs("a cat in the park " * 60), text_lab.inputs("hi")
    (first,), (second,) = text_lab.enter(long), text_lab.enter(short)
    layer = bench_of(text_lab)._layers[0]
    both = layer.keys.untyped_storage().nbytes()

    text_lab.benches.leave([first.row])
    text_lab.step([second])

    assert layer.keys.untyped_storage().nbytes() < both / 4
