"""Lanes: who shares a place in the queue, and who does not."""

from starlette.requests import Request

from switchyard_image_server.api.lanes import lane_of


def request(client: str = "10.0.0.1", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (client, 1234)})


def test_the_body_names_whom_it_is_for() -> None:
    assert lane_of(request(x_switchyard_client="key-1"), "ann") == "user ann"


def test_a_proxy_in_front_names_its_client() -> None:
    assert lane_of(request(x_switchyard_client="key-1"), None) == "client key-1"


def test_without_a_name_it_is_where_it_came_from() -> None:
    assert lane_of(request("10.0.0.1"), "") == "address 10.0.0.1"
    assert lane_of(request("10.0.0.1"), None) != lane_of(request("10.0.0.2"), None)
    assert lane_of(Request({"type": "http", "headers": [], "client": None}), None) == "address "


def test_nobody_can_stand_in_anothers_lane_by_a_name() -> None:
    assert lane_of(request(), "key-1") != lane_of(request(x_switchyard_client="key-1"), None)


def test_names_are_bounded() -> None:
    assert len(lane_of(request(), "x" * 100_000)) < 300
