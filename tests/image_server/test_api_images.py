"""The image routes over real HTTP, around a painter without weights: whole, streamed, as jobs, and refused."""

import base64
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from switchyard_image_server.engine import Sleeping
from switchyard_image_server.errors import RequestCancelled
from switchyard_image_server.images import events
from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.order import Order
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.images.ways import CONTROLLED, EDIT_PLUS, OVER, WITHIN, WORDS
from switchyard_image_server.settings import ResultSettings
from switchyard_image_server.worker import Ticket
from tests.image_server.stand_ins import Painter, PaintsUntilLeft, Talker

Serve = Callable[..., Any]
DRAW = "/v1/images/generations"
EDIT = "/v1/images/edits"
CAT = {"prompt": "a cat", "size": "64x64"}


def png(color: str = "red", size: tuple[int, int] = (64, 64), mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, color).save(content, "PNG")
    return content.getvalue()


def url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def picture(content: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(content)))


def told(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """The name and the content of each event."""
    pairs = [block.split("\n", 1) for block in answer.text.split("\n\n") if block.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in pairs]


class Remembers(Painter):
    """Paints as many previews as are wanted, and keeps what it was asked for."""

    facts = PipelineFacts(
        steps=2,
        guidance=1.0,
        native=Size(64, 64),
        transparent=True,
        ways=(WORDS, OVER, WITHIN, EDIT_PLUS, CONTROLLED),
    )
    note: str | None = None
    color: Any = (1, 2, 3)

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        self.orders.append(order)
        size = (order.size.width, order.size.height)
        for number, seed in enumerate(order.seeds):
            for index in range(order.previews):
                ticket.send(events.Preview(number, index, Image.new("RGB", size, "gray")))
            ticket.send(events.Step(number + 1, len(order.seeds)))
            mode = "RGBA" if len(self.color) == 4 else "RGB"
            ticket.send(events.Drawn(Image.new(mode, size, self.color), seed))
        ticket.send(events.Finished(5, 7 * len(order.given.images), 16, note=self.note))


class SteppedDown(Remembers):
    note = "VAE tiling\r\nx-evil: 1 … because memory was short"


class PaintsGlass(Remembers):
    color = (1, 2, 3, 0)


class BreaksAfterTheFirst(Remembers):
    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        ticket.send(events.Step(1, 2))
        raise RuntimeError("device-side assert triggered")


class RefusesAtOnce(Remembers):
    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")


class Held(Remembers):
    """Paints when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()

    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        self.may.wait(30)
        ticket.check()
        super().draw(order, ticket)


@pytest.fixture
def painter() -> Remembers:
    return Remembers()


@pytest.fixture
def client(serve: Serve, painter: Remembers) -> httpx.Client:
    found: httpx.Client = serve(lambda: painter).until_ready().client
    return found


@pytest.fixture
def sdk(client: httpx.Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="none", base_url=f"{client.base_url}/v1", max_retries=0) as found:
        yield found


def refusal(answer: httpx.Response, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["message"].startswith("cannot ")
    return error


def test_draws_whole(client: httpx.Client) -> None:
    answer = client.post(DRAW, json={**CAT, "n": 2, "seed": 7}).json()

    assert [datum["seed"] for datum in answer["data"]] == [7, 8]
    assert {picture(datum["b64_json"]).size for datum in answer["data"]} == {(64, 64)}
    assert (answer["size"], answer["background"], answer["quality"]) == ("64x64", "opaque", "medium")
    assert answer["usage"]["input_tokens_details"] == {"text_tokens": 5, "image_tokens": 0}
    assert set(answer["timings"]) == {"prepare_s", "denoise_s", "decode_s", "total_s", "passes"}


def test_openai_python_draws_and_edits(sdk: openai.OpenAI, painter: Remembers) -> None:
    drawn = sdk.images.generate(
        model="demo",
        prompt="a cat",
        n=2,
        size="64x64",
        quality="low",
        background="opaque",
        output_format="jpeg",
        output_compression=80,
        moderation="low",
        user="me",
        extra_body={"seed": [5, 3], "negative_prompt": "", "num_inference_steps": 3},
    )
    edited = sdk.images.edit(
        model="demo",
        image=[png("red"), png("blue")],
        prompt="a cat",
        input_fidelity="high",
        extra_body={"seed": [5, 3], "guidance_scale": 2.5, "lora": None},
    )
    masked = sdk.images.edit(model="demo", image=png(), mask=png(mode="RGBA"), prompt="a cat", size="auto")

    assert [picture(one.b64_json or "").format for one in drawn.data or []] == ["JPEG", "JPEG"]
    assert [picture(one.b64_json or "").format for one in edited.data or []] == ["PNG", "PNG"]
    assert (drawn.output_format, masked.size) == ("jpeg", "64x64")
    words, plus, within = painter.orders
    assert (words.seeds, words.steps, words.previews) == ((5, 3), 3, 0)
    assert (plus.seeds, plus.guidance, len(plus.given.images)) == ((5, 3), 2.5, 2)
    assert edited.usage is not None
    assert edited.usage.input_tokens_details.image_tokens == 14
    assert within.given.mask is not None


@pytest.mark.parametrize("wanted", [0, 2])
def test_openai_python_streams(sdk: openai.OpenAI, wanted: int) -> None:
    drawn = list(sdk.images.generate(prompt="a cat", stream=True, partial_images=wanted, size="64x64"))
    edited = list(sdk.images.edit(image=png(), prompt="a cat", stream=True, partial_images=wanted))

    assert [event.type for event in drawn] == [
        *["image_generation.partial_image"] * wanted,
        "image_generation.completed",
    ]
    assert [event.type for event in edited] == [*["image_edit.partial_image"] * wanted, "image_edit.completed"]
    assert [event.partial_image_index for event in drawn[:-1]] == list(range(wanted))
    assert all(picture(event.b64_json).size == (64, 64) for event in [*drawn, *edited])
    assert drawn[-1].usage.total_tokens == 21


def test_events_are_named_by_their_type(client: httpx.Client) -> None:
    answer = client.post(DRAW, json={**CAT, "stream": True, "partial_images": 1, "n": 2, "seed": 3})

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [(name, event["index"]) for name, event in told(answer)] == [
        ("image_generation.partial_image", 0),
        ("image_generation.partial_image", 1),
        ("image_generation.completed", 0),
        ("image_generation.completed", 1),
    ]
    assert all(name == event["type"] for name, event in told(answer))
    assert [event["seed"] for _, event in told(answer)[2:]] == [3, 4]


@pytest.mark.parametrize(
    ("asked", "steps"), [({"progress": True}, [(1, 2), (2, 2)]), ({"progress": None}, []), ({}, [])]
)
def test_each_step_is_told_to_those_who_ask(
    client: httpx.Client, asked: dict[str, object], steps: list[tuple[int, int]]
) -> None:
    answer = client.post(DRAW, json={**CAT, "stream": True, "n": 2, **asked})

    events = [event for name, event in told(answer) if name == "image_generation.progress"]
    assert [(event["step"], event["total"]) for event in events] == steps


def test_a_stream_that_breaks_says_so(serve: Serve) -> None:
    client = serve(BreaksAfterTheFirst).until_ready().client

    answer = client.post(DRAW, json={**CAT, "stream": True})

    [(name, event)] = told(answer)
    assert (name, event["error"]["code"]) == ("error", "internal_error")
    sdk = openai.OpenAI(api_key="none", base_url=f"{client.base_url}/v1", max_retries=0)
    with sdk, pytest.raises(openai.APIError, match="device-side assert"):
        list(sdk.images.generate(prompt="a cat", stream=True))


@pytest.mark.parametrize("stream", [False, True])
def test_what_goes_wrong_at_once_has_its_own_status(serve: Serve, stream: bool) -> None:
    client = serve(RefusesAtOnce).until_ready().client

    answer = client.post(DRAW, json={**CAT, "stream": stream})

    assert refusal(answer, 500)["code"] == "cuda_out_of_memory"
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("said", "kind"), [({}, "PNG"), ({"output_format": "jpeg"}, "JPEG"), ({"output_format": "webp"}, "WEBP")]
)
def test_addresses_lead_to_the_picture(client: httpx.Client, said: dict[str, str], kind: str) -> None:
    answer = client.post(DRAW, json={**CAT, "response_format": "url", **said}).json()

    fetched = httpx.get(answer["data"][0]["url"])

    assert answer["data"][0]["url"].startswith(f"{client.base_url}/v1/images/files/")
    assert Image.open(io.BytesIO(fetched.content)).format == kind
    assert fetched.headers["content-type"] == f"image/{kind.lower()}"


def test_no_address_in_an_answer_leads_nowhere(serve: Serve) -> None:
    class PaintsNoise(Painter):
        def draw(self, order: Order, ticket: Ticket[Any]) -> None:
            for seed in order.seeds:
                noise = Image.effect_noise((500, 250), 100)
                ticket.send(events.Drawn(noise.convert("RGB"), seed))
            ticket.send(events.Finished(1, 0, 1))

    client = serve(PaintsNoise, results=ResultSettings(max_mib=1)).until_ready().client

    few = client.post(DRAW, json={**CAT, "response_format": "url", "n": 2}).json()["data"]
    found = [httpx.get(one["url"]).status_code for one in few]
    many = client.post(DRAW, json={**CAT, "response_format": "url", "n": 6})

    assert found == [200, 200]
    assert refusal(many, 413)["param"] == "response_format"


def test_addresses_are_the_ones_that_work_outside(serve: Serve, client: httpx.Client) -> None:
    behind = {"x-forwarded-host": "pictures.example", "x-forwarded-proto": "https"}
    told_so = serve(Remembers, results=ResultSettings(public_url="https://mine.example/")).until_ready().client

    found = client.post(DRAW, json={**CAT, "response_format": "url"}, headers=behind).json()
    fixed = told_so.post(DRAW, json={**CAT, "response_format": "url"}, headers=behind).json()

    assert found["data"][0]["url"].startswith("https://pictures.example/v1/images/files/")
    assert fixed["data"][0]["url"].startswith("https://mine.example/v1/images/files/")


def test_tells_in_a_header_what_memory_has_led_to(serve: Serve) -> None:
    client = serve(SteppedDown).until_ready().client

    answer = client.post(DRAW, json=CAT)
    streamed = client.post(DRAW, json={**CAT, "stream": True})

    assert answer.headers["x-switchyard-memory"] == "VAE tiling x-evil: 1 ? because memory was short"
    assert "x-evil" not in answer.headers
    assert answer.json()["memory"] == told(streamed)[0][1]["memory"] == SteppedDown.note


def test_alpha_is_kept_where_the_format_has_it(serve: Serve) -> None:
    client = serve(PaintsGlass).until_ready().client

    for said, alpha in (({"background": "transparent"}, 0), ({}, 0), ({"background": "opaque"}, 255)):
        answer = client.post(DRAW, json={**CAT, **said}).json()
        assert picture(answer["data"][0]["b64_json"]).convert("RGBA").getpixel((0, 0))[3] == alpha
        assert answer["background"] == ("opaque" if alpha else "transparent")
    flat = client.post(DRAW, json={**CAT, "output_format": "jpeg"}).json()
    assert (flat["background"], picture(flat["data"][0]["b64_json"]).getpixel((0, 0))) == (
        "opaque",
        (255, 255, 255),
    )


@pytest.mark.parametrize(
    "files",
    [
        [("image", ("a.png", png("red"))), ("image", ("b.png", png("blue")))],
        [("image[]", ("a.png", png("red"))), ("image[]", ("b.png", png("blue")))],
        [("image[1]", ("b.png", png("blue"))), ("image[0]", ("a.png", png("red")))],
        [("images", ("blob", png("red"))), ("image", ("blob", png("blue")))],
    ],
)
def test_finds_the_images_of_a_form(client: httpx.Client, painter: Remembers, files: Any) -> None:
    answer = client.post(EDIT, files=files, data={"prompt": "a cat", "n": "2", "seed": "4"})

    assert [datum["seed"] for datum in answer.json()["data"]] == [4, 5]
    colors = [one.image.convert("RGB").getpixel((0, 0)) for one in painter.orders[0].given.images]
    assert colors == [(255, 0, 0), (0, 0, 255)]


def test_files_may_come_before_the_fields(client: httpx.Client, painter: Remembers) -> None:
    def part(name: str, content: bytes, file_name: str = "") -> bytes:
        named = f'; filename="{file_name}"' if file_name else ""
        return (
            f'--x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
        )

    sent = part("mask", png(mode="L"), "m.png") + part("image", png(), "a.png") + part("prompt", b"a cat")
    kind = {"content-type": "multipart/form-data; boundary=x"}

    answer = client.post(EDIT, content=sent + part("model", b"demo") + b"--x--\r\n", headers=kind)

    assert answer.status_code == 200, answer.text
    assert painter.orders[0].prompt == "a cat"
    assert painter.orders[0].given.mask is not None


@pytest.mark.parametrize(
    "said",
    [
        {"images": [{"image_url": url(png())}], "mask": {"image_url": url(png(mode="L"))}},
        {"images": [{"image_url": {"url": url(png())}}], "mask": url(png(mode="L"))},
        {"image": url(png()), "mask": url(png(mode="L"))},
    ],
)
def test_edits_are_taken_as_json_too(client: httpx.Client, painter: Remembers, said: dict[str, Any]) -> None:
    answer = client.post(EDIT, json={"prompt": "a cat", **said})

    assert answer.status_code == 200, answer.text
    given = painter.orders[0].given
    assert (len(given.images), given.mask is None) == (1, False)


def test_a_form_may_bring_addresses(client: httpx.Client, painter: Remembers) -> None:
    answer = client.post(EDIT, files={"image": (None, url(png())), "prompt": (None, "a cat")})

    assert answer.status_code == 200, answer.text
    assert len(painter.orders[0].given.images) == 1


def test_follows_a_control_image(client: httpx.Client, painter: Remembers) -> None:
    answer = client.post(DRAW, json={**CAT, "control_image": url(png()), "control_scale": 0.5})

    assert answer.status_code == 200, answer.text
    assert painter.orders[0].given.control is not None
    assert painter.orders[0].control_scale == 0.5


HOSTILE_EDITS: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing": ({}, None),
    "no image": ({"data": {"prompt": "a cat"}, "files": {"mask": png()}}, "image"),
    "no prompt": ({"files": {"image": png()}}, "prompt"),
    "no picture at all": ({"data": {"prompt": "x"}, "files": {"image": b"MZ" * 50}}, "image"),
    "an empty file": ({"data": {"prompt": "x"}, "files": {"image": ("a.png", b"")}}, "image"),
    "half a header": ({"data": {"prompt": "x"}, "files": {"image": png()[:20]}}, "image"),
    "a script": ({"data": {"prompt": "x"}, "files": {"image": b"<svg onload=alert(1)>"}}, "image"),
    "too many": ({"data": {"prompt": "x"}, "files": [("image", png())] * 17}, "image"),
    "two masks": (
        {"data": {"prompt": "x"}, "files": [("image", png()), ("mask", png()), ("mask", png())]},
        "mask",
    ),
    "the second is broken": (
        {"data": {"prompt": "x"}, "files": [("image", png()), ("image", b"x")]},
        "image[1]",
    ),
    "a ribbon": ({"data": {"prompt": "x"}, "files": {"image": png(size=(1000, 2))}}, "image"),
    "a mask of another size": (
        {"data": {"prompt": "x"}, "files": {"image": png(), "mask": png(size=(32, 32), mode="L")}},
        "mask",
    ),
    "n is a word": ({"data": {"prompt": "x", "n": "many"}, "files": {"image": png()}}, "n"),
    "seed is a list of words": (
        {"data": {"prompt": "x", "seed[]": ["a", "b"]}, "files": {"image": png()}},
        "seed",
    ),
    "a lora no one can make out": (
        {"data": {"prompt": "x", "lora[][a]": ["1", "2"], "lora[][b]": "3"}, "files": {"image": png()}},
        "lora",
    ),
    "json without images": ({"json": {"prompt": "x", "images": []}}, "images"),
    "json with a file id": ({"json": {"prompt": "x", "images": [{"file_id": "f"}]}}, "images[0]"),
    "json with a path": ({"json": {"prompt": "x", "images": ["file:///etc/passwd"]}}, "images[0]"),
    "json with a broken data url": (
        {"json": {"prompt": "x", "images": ["data:image/png;base64,@@"]}},
        "images[0]",
    ),
    "json with a number": ({"json": {"prompt": "x", "images": [5]}}, "images[0]"),
    "json that is none": ({"content": b"{"}, None),
    "a form without a boundary": ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, None),
    "a form that breaks off": (
        {"content": b"--x\r\nContent-", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        None,
    ),
    "a form of bytes": (
        {"content": b"\xff" * 999, "headers": {"content-type": "multipart/form-data; boundary=x"}},
        None,
    ),
}


def test_hostile_edits_are_refused_by_field(client: httpx.Client) -> None:
    """One test for all: a server is started once."""
    answers = {name: client.post(EDIT, **sent) for name, (sent, _) in HOSTILE_EDITS.items()}

    seen = {name: (answer.status_code, answer.json()["error"]["param"]) for name, answer in answers.items()}
    assert seen == {name: (400, param) for name, (_, param) in HOSTILE_EDITS.items()}
    assert client.post(DRAW, json=CAT).status_code == 200


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"stream": True, "async": True}, "stream"),
        ({"partial_images": 1}, "partial_images"),
        ({"webhook": "https://x.example"}, "webhook"),
        ({"strength": 0.5}, "strength"),
        ({"layers": 3}, "layers"),
        ({"lora": "nobody"}, "lora"),
        ({"control_image": "file:///etc/passwd"}, "control_image"),
        ({"size": "big"}, "size"),
        ({"model": "other"}, "model"),
    ],
)
def test_refuses_what_it_cannot_honour(client: httpx.Client, said: dict[str, Any], param: str) -> None:
    answer = client.post(DRAW, json={**CAT, **said})

    assert answer.status_code in {400, 404}, answer.text
    assert answer.json()["error"]["param"] == param


def test_too_large_is_said_with_its_own_status(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchyard_image_server.api.pictures.MAX_FILE", 100)
    monkeypatch.setattr("switchyard_image_server.api.forms.MAX_FILE", 300)
    inline = {"prompt": "x", "images": [url(png() + b"\0" * 100)]}

    answers = [
        client.post(EDIT, files={"image": png() + b"\0" * 500}, data={"prompt": "x"}),
        client.post(EDIT, json=inline),
    ]

    assert [refusal(answer, 413)["param"] for answer in answers] == ["image", "images[0]"]


def test_a_language_model_draws_nothing(serve: Serve) -> None:
    client = serve(Talker).until_ready().client

    for answer in (client.post(DRAW, json=CAT), client.post(EDIT, json={"prompt": "x", "image": url(png())})):
        assert "use /v1/chat/completions" in refusal(answer)["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_stops_when_the_client_leaves(serve: Serve, stream: bool) -> None:
    painter = PaintsUntilLeft()
    served = serve(lambda: painter).until_ready()
    sent = json.dumps({**CAT, "stream": stream}).encode()
    host, port = served.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port))) as line:
        head = f"POST {DRAW} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(sent)}\r\n\r\n"
        line.sendall(head.encode() + sent)
        assert painter.begun.wait(30)

    assert painter.left.wait(30)


@pytest.mark.parametrize("by", ["body", "address"])
def test_a_job_goes_on_without_its_client(serve: Serve, by: str) -> None:
    painter = Held()
    served = serve(lambda: painter).until_ready()
    said = {**CAT, "seed": 9} | ({"async": True} if by == "body" else {})

    started = served.client.post(DRAW + ("" if by == "body" else "?async=true"), json=said)
    painter.may.set()

    assert started.status_code == 202, started.text
    assert started.headers["location"] == f"/v1/jobs/{started.json()['id']}"
    served.until(lambda: served.client.get(started.headers["location"]).json()["status"] == "completed")
    job = served.client.get(started.headers["location"]).json()
    assert job["result"]["data"][0]["seed"] == 9
    assert painter.orders[0].previews == 3


def test_a_job_that_came_by_a_proxy_is_found_there(serve: Serve) -> None:
    painter = Held()
    served = serve(lambda: painter).until_ready()
    painter.may.set()

    started = served.client.post(
        DRAW, json={**CAT, "async": True}, headers={"x-forwarded-prefix": "/upstream/org%2Fpaint"}
    )

    assert started.headers["location"] == f"/upstream/org%2Fpaint/v1/jobs/{started.json()['id']}"
    assert started.json()["links"]["self"] == started.headers["location"]


def test_refuses_an_address_that_says_neither(client: httpx.Client) -> None:
    assert refusal(client.post(f"{DRAW}?async=perhaps", json=CAT))["param"] == "async"
    assert client.post(f"{DRAW}?async=0", json={**CAT, "async": True}).status_code == 200


def test_a_refused_job_is_not_drawn(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Held()
    served = serve(lambda: painter).until_ready()

    def refuse(_: object, order: Any) -> dict[str, Any]:
        raise RequestCancelled("cannot take this job: it is refused")

    monkeypatch.setattr(type(served.parts.jobs), "start", refuse)

    answer = served.client.post(DRAW, json={**CAT, "async": True})
    painter.may.set()

    assert answer.json()["error"]["message"] == "cannot take this job: it is refused"
    served.until(lambda: not served.worker.busy and not served.worker.waiting)
    assert served.client.post(DRAW, json={**CAT, "seed": 1}).status_code == 200
    assert [order.seeds for order in painter.orders] == [(1,)]


def test_a_model_that_falls_asleep_while_pictures_arrive_is_left_alone(
    serve: Serve, painter: Remembers, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(lambda: painter).until_ready()

    async def fall_asleep(*_: object) -> bytes:
        served.engine.phase = Sleeping(painter)
        return png()

    monkeypatch.setattr(type(served.parts.media), "read", fall_asleep)

    answer = served.client.post(EDIT, json={"prompt": "a cat", "image": "data:image/png;base64,"})

    assert refusal(answer, 503)["code"] == "model_asleep"
    assert painter.orders == []


def test_quality_is_told_only_where_it_counted(serve: Serve, client: httpx.Client, painter: Remembers) -> None:
    answers = [client.post(DRAW, json={**CAT, "quality": "max", **said}) for said in ({}, {"steps": 2})]

    assert [answer.json()["quality"] for answer in answers] == ["max", "medium"]
    assert [order.steps for order in painter.orders] == [4, 2]


def test_clients_are_served_in_turns(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Held()
    served = serve(lambda: painter).until_ready()
    lanes: list[str] = []
    submit = served.worker.submit
    monkeypatch.setattr(
        served.worker, "submit", lambda work, lane="", **more: lanes.append(lane) or submit(work, lane, **more)
    )
    painter.may.set()

    served.client.post(DRAW, json={**CAT, "user": "ann"})
    served.client.post(DRAW, json=CAT, headers={"x-switchyard-client": "key-1"})
    served.client.post(DRAW, json=CAT)

    assert lanes == ["user ann", "client key-1", "address 127.0.0.1"]


def test_describes_both_bodies_of_an_edit(client: httpx.Client) -> None:
    content = client.get("/openapi.json").json()["paths"][EDIT]["post"]["requestBody"]["content"]

    assert set(content) == {"application/json", "multipart/form-data"}
    assert content["multipart/form-data"]["schema"]["properties"]["image"]["items"]["format"] == "binary"
    assert "async" in content["application/json"]["schema"]["properties"]
