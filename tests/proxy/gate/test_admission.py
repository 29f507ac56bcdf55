"""Who may pass the gate, and to what: a list, compared byte by byte."""

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.gate import Gate
from switchyard_proxy.errors import Refused
from switchyard_proxy.gate.admission import KEY, admit
from switchyard_proxy.routes import ROUTES, Route, Serves
from switchyard_proxy.wire import passing

TOKEN = "let me in"
GATE = Gate("", TOKEN)
ENGINE = "http://127.0.0.1:41000"
ADDRESS = GATE.endpoint("one-1", ENGINE)
RIGHT = (KEY, GATE.headers("one-1", ENGINE)[KEY.decode()].encode())
ENGINES_ROUTES = [route for route in ROUTES if route.serves is Serves.ENGINE]

# What vLLM, our own engine and others serve, and nobody may ask for from the LAN.
DANGEROUS = (
    "/sleep",
    "/wake_up",
    "/wake",
    "/is_sleeping",
    "/collective_rpc",
    "/pause",
    "/resume",
    "/is_paused",
    "/reset_prefix_cache",
    "/reset_mm_cache",
    "/reset_encoder_cache",
    "/server_info",
    "/start_profile",
    "/stop_profile",
    "/init_weight_transfer_engine",
    "/update_weights",
    "/get_world_size",
    "/scale_elastic_ep",
    "/is_scaling_elastic_ep",
    "/abort_requests",
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
    "/invocations",
    "/inference/v1/generate",
    "/load",
    "/metrics",
    "/docs",
    "/redoc",
    "/slots/0",
    "/lora-adapters",
    "/v1/status",
    "/shutdown",
    "/",
)


def admitted(method: str, path: str, *headers: tuple[bytes, bytes]) -> tuple[str, bytes]:
    passage = admit(method, f"{ADDRESS}{path}".encode("latin-1"), headers or (RIGHT,), TOKEN)
    return passage.authority, passage.target


def refused(method: str, path: str, *headers: tuple[bytes, bytes]) -> ErrorCode:
    with pytest.raises(Refused, match="cannot ") as refusal:
        admitted(method, path, *headers)
    return refusal.value.code


@pytest.mark.parametrize("route", ENGINES_ROUTES, ids=lambda route: route.path)
def test_whatever_the_proxy_sends_to_engines_passes(route: Route) -> None:
    path = route.target.decode() or route.path

    assert admitted("POST", f"{path}?beta=true") == ("127.0.0.1:41000", f"{path}?beta=true".encode())


@pytest.mark.parametrize("path", passing.ASKS)
def test_what_clients_may_ask_engines_for_passes(path: str) -> None:
    assert admitted("POST", f"/{path}")[1] == f"/{path}".encode()


@pytest.mark.parametrize("path", [path for path in passing.LOOKS if path != "metrics"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_clients_may_look_at_passes(method: str, path: str) -> None:
    assert admitted(method, f"/{path}")[1] == f"/{path}".encode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/jobs"),
        ("POST", "/v1/jobs"),
        ("DELETE", "/v1/jobs/job_1"),
        ("GET", "/v1/jobs/job_1/events"),
        ("GET", "/v1/images/files/abc-DEF_1.png"),
        ("HEAD", "/v1/images/files/abc-DEF_1.png"),
    ],
)
def test_jobs_and_kept_pictures_pass(method: str, path: str) -> None:
    assert admitted(method, path)[1] == path.encode()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", DANGEROUS)
def test_what_is_the_managers_does_not_pass_even_with_a_key(method: str, path: str) -> None:
    assert refused(method, path) is ErrorCode.UNKNOWN_URL


@pytest.mark.parametrize(
    "path",
    [
        "//sleep",
        "/v1/../sleep",
        "/v1/./models",
        "/v1//models",
        "/v1/models/",
        "/v1/models/../../sleep",
        "/v1/%2e%2e/sleep",
        "/v1/%2E%2E/sleep",
        "/v1%2fmodels",
        "/v1/jobs/%2e%2e/%2e%2e",
        "/v1/jobs/..",
        "/v1/jobs/../sleep",
        "/v1/jobs/.hidden",
        "/v1/jobs/a/b/c",
        "/v1/jobs/a%00b",
        "/v1/jobs/a;b",
        "/v1/images/files/../../sleep",
        "/v1/images/files/a.png/../x",
        "/v1/images/files/%61.png",
        "/%73leep",
        "/v1/models%00",
        "/v1/models;a=b",
        "/v1\\models",
        "/V1/models",
        "/health\xa0",
        "/health ",
        "/v1/jobs\n",
        "/v1/jobs/a\n",
    ],
)
def test_a_path_that_an_engine_might_read_in_another_way_does_not_pass(path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert refused(method, path) is ErrorCode.UNKNOWN_URL


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_may_be_looked_at_may_not_be_changed(method: str) -> None:
    assert refused(method, "/v1/models") is ErrorCode.UNKNOWN_URL


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/images/files/abc.png"),
        ("DELETE", "/v1/images/files/abc.png"),
        ("PUT", "/v1/jobs"),
        ("PATCH", "/v1/jobs/job_1"),
        ("OPTIONS", "/v1/jobs/job_1"),
    ],
)
def test_jobs_and_pictures_take_no_other_methods(method: str, path: str) -> None:
    assert refused(method, path) is ErrorCode.UNKNOWN_URL


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/tokenize"])
def test_what_is_asked_with_a_body_is_asked_with_post(path: str) -> None:
    assert refused("PUT", path) is ErrorCode.UNKNOWN_URL


@pytest.mark.parametrize(
    "headers",
    [
        ((b"accept", b"*/*"),),
        ((KEY, b""),),
        ((KEY, b"0" * 64),),
        ((KEY, RIGHT[1][:-1]),),
        ((KEY, RIGHT[1] + b"0"),),
        ((KEY, RIGHT[1].upper()),),
        ((KEY, b"\xff\xfe"),),
        ((KEY, GATE.headers("one-2", ENGINE)[KEY.decode()].encode()),),
        ((KEY, GATE.headers("one-1", "http://127.0.0.1:41001")[KEY.decode()].encode()),),
        ((KEY, Gate("", "another token").headers("one-1", ENGINE)[KEY.decode()].encode()),),
        (RIGHT, RIGHT),
        (RIGHT, (KEY, b"0")),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/sleep", "//"])
def test_without_the_one_key_nothing_passes_and_nothing_is_told_of_paths(
    headers: tuple[tuple[bytes, bytes], ...], path: str
) -> None:
    assert refused("GET", path, *headers) is ErrorCode.ENGINE_KEY_REFUSED


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/v1/models",
        b"*",
        b"/engines/one-1",
        b"http://127.0.0.1:41000/v1/models",
        b"http://gate" + ADDRESS.encode() + b"/v1/models",
        b"/./" + ADDRESS[1:].encode() + b"/v1/models",
        b"/" + ADDRESS.encode() + b"/v1/models",
        b"/engines/one-1/169.254.169.254/latest",
    ],
)
def test_what_names_no_engine_is_served_nowhere(target: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        admit("GET", target, (RIGHT,), TOKEN)

    assert refusal.value.code is ErrorCode.UNKNOWN_URL


def test_the_key_to_one_engine_leads_to_no_other_address() -> None:
    elsewhere = GATE.endpoint("one-1", "http://169.254.169.254:80")

    with pytest.raises(Refused) as refusal:
        admit("GET", f"{elsewhere}/v1/models".encode(), (RIGHT,), TOKEN)

    assert refusal.value.code is ErrorCode.ENGINE_KEY_REFUSED
