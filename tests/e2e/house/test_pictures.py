"""The image server beside vLLM: a picture is drawn while a chat streams."""

import base64
import io

import pytest
from PIL import Image

from tests.e2e.house.conftest import PAINTER, A
from tests.e2e.house.hearing import judge, streaming
from tests.e2e.house.stack import House
from tests.e2e.proxy.hearing import Verdict

pytestmark = pytest.mark.timeout(900)


def test_a_picture_is_drawn_while_a_chat_streams_and_neither_is_cut(house: House) -> None:
    house.asks(A)
    house.openai.images.generate(model=PAINTER, prompt="a lighthouse", size="64x64", n=1)

    with house.container(A).slowed():
        stream = streaming(house, A).speaks()
        drawn = house.openai.images.generate(model=PAINTER, prompt="a lighthouse", size="64x64", n=2)
        assert stream.is_running

    assert [picture.size for picture in map(opened, drawn.data or ())] == [(64, 64)] * 2
    assert judge(stream.whole(), A) is Verdict.WHOLE
    assert len(house.containers(PAINTER)) == len(house.containers(A)) == 1


def opened(picture: object) -> Image.Image:
    encoded = getattr(picture, "b64_json", None)
    assert encoded is not None
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        image.load()
        return image
