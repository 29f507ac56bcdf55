"""Whether a response is kept, as its request asks."""

import pytest

from switchyard_proxy.errors import Refused
from switchyard_proxy.streams.background import FOR_ENGINE, Kept, kept_in


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({}, Kept(background=False, store=True, stream=False)),
        ({"store": False, "stream": True}, Kept(background=False, store=False, stream=True)),
        ({"store": None, "background": True}, Kept(background=True, store=True, stream=False)),
        ({"background": "yes"}, Kept(background=False, store=True, stream=False)),
    ],
)
def test_what_does_not_say_no_is_kept(body: dict[str, object], kept: Kept) -> None:
    assert kept_in(body) == kept


def test_nothing_can_be_made_in_the_background_without_keeping_it() -> None:
    with pytest.raises(Refused) as refused:
        kept_in({"background": True, "store": False})

    assert refused.value.body.param == "store"


def test_the_engine_streams_to_us_and_keeps_nothing() -> None:
    assert FOR_ENGINE == {"background": False, "store": False, "stream": True}
