"""Who may ask a proxy that wants no key: by its names, from which pages."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access import hosts
from switchyard_proxy.access.hosts import Visitors
from switchyard_proxy.errors import Refused

PLAIN = Visitors("gpu-box", (), ())
CHOSEN = Visitors(
    "gpu-box",
    ("models.example.org", "*.wild.example", ".dotted.example", "Port.Example:8443"),
    ("https://chat.example.org", "http://other.example:80/", "https://UPPER.example"),
)
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)


def code_for(visitors: Visitors, host: bytes | None, origin: bytes | None = None) -> ErrorCode | None:
    try:
        visitors.check(host, origin)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    "host",
    [
        None,
        b"",
        b"localhost",
        b"localhost:8080",
        b"LOCALHOST:8080",
        b"localhost.",
        b"127.0.0.1:8080",
        b"192.168.1.4",
        b"8.8.8.8:80",
        b"[::1]:8080",
        b"[fe80::1]",
        b"nas",
        b"nas:8080",
        b"switchyard_proxy_1:8080",
        b"gpu-box:8080",
        b"gpu-box.local",
        b"gpu-box.fritz.lan:8080",
        b"a.home.arpa",
        b"a.b.internal",
        b"me.localhost:3000",
    ],
)
def test_takes_the_names_that_only_a_machine_at_home_can_have(host: bytes | None) -> None:
    assert code_for(PLAIN, host) is None


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"evil.example:8080",
        b"127.0.0.1.evil.example",
        b"127.0.0.1.nip.io:8080",
        b"localhost.evil.example",
        b"evillocal.com",
        b"lan.example",
        b"1.2.3",
        b"256.1.1.1",
        b"0127.0.0.1",
        b"127.0.0.1@evil.example",
        b"evil.example/.local",
        b"evil.example#.local",
        b"evil.example .local",
        b"evil.example\x00.local",
        b"a:b:c",
        b"::1",
        b"[::1",
        b"[evil.example]",
        b"[abc]",
        b"[127.0.0.1]",
        b"..",
        b"nas:port",
        b"n\xe4s",
        b"localhost, evil.example",
    ],
)
def test_refuses_every_other_name(host: bytes) -> None:
    assert code_for(PLAIN, host) is ErrorCode.HOST_NOT_ALLOWED


@given(st.lists(LETTERS, min_size=1, max_size=3), st.sampled_from(["com", "example", "io", "dev"]))
def test_a_name_that_can_be_bought_is_never_taken(labels: list[str], top: str) -> None:
    assert code_for(PLAIN, ".".join([*labels, top]).encode()) is ErrorCode.HOST_NOT_ALLOWED


@given(st.binary(max_size=60) | st.none(), st.binary(max_size=60) | st.none())
def test_any_headers_are_taken_or_refused(host: bytes | None, origin: bytes | None) -> None:
    with contextlib.suppress(Refused):
        CHOSEN.check(host, origin)


@given(st.ip_addresses(), st.none() | st.integers(1, 65535))
def test_every_address_is_taken_and_is_its_own_origin(address: object, port: int | None) -> None:
    shown = f"[{address}]" if ":" in str(address) else str(address)
    host = (shown if port is None else f"{shown}:{port}").encode()

    assert code_for(PLAIN, host, b"http://" + host) is None


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        (b"models.example.org", True),
        (b"Models.Example.org:443", True),
        (b"port.example", True),
        (b"a.wild.example", True),
        (b"a.dotted.example:1", True),
        (b"wild.example", False),
        (b"notwild.example", False),
        (b"sub.models.example.org", False),
        (b"models.example.org.evil.example", False),
    ],
)
def test_takes_the_names_that_the_operator_allows(host: bytes, taken: bool) -> None:
    assert (code_for(CHOSEN, host) is None) is taken


def test_the_machines_own_full_name_is_taken() -> None:
    assert code_for(Visitors("box.example.org", (), ()), b"box.example.org:8080") is None


def test_a_star_takes_every_name() -> None:
    assert code_for(Visitors("x", ("*",), ()), b"evil.example") is None


@pytest.mark.parametrize(
    "origin",
    [
        None,
        b"http://192.168.1.4:8080",
        b"http://localhost",
        b"http://localhost:3000",
        b"https://LOCALHOST:3000",
        b"http://127.0.0.1:5173",
        b"http://127.8.9.10",
        b"http://[::1]:3000",
        b"http://app.localhost:3000",
        b"chrome-extension://abcdef",
        b"moz-extension://1-2-3",
        b"safari-web-extension://X",
        b"app://obsidian.md",
        b"app://.",
        b"file://",
        b"tauri://localhost",
        b"vscode-webview://abc",
        b"capacitor://localhost",
        b"ionic://localhost",
    ],
)
def test_takes_no_page_its_own_pages_this_machines_pages_and_apps(origin: bytes | None) -> None:
    assert code_for(PLAIN, b"192.168.1.4:8080", origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        b"",
        b"null",
        b"https://evil.example",
        b"http://192.168.1.4",
        b"http://192.168.1.4:80",
        b"http://192.168.1.5:8080",
        b"http://192.168.1.4:8080.evil.example",
        b"http://localhost.evil.example",
        b"http://evil.example/localhost",
        b"http://evil.example#://localhost",
        b"http://localhost@evil.example",
        b"http://10.0.0.1",
        b"ftp://localhost",
        b"file:",
        b"http://localhost, http://evil.example",
        b"http://[::1",
        b"http://a:99999999",
    ],
)
def test_refuses_every_other_page(origin: bytes) -> None:
    assert code_for(PLAIN, b"192.168.1.4:8080", origin) is ErrorCode.ORIGIN_NOT_ALLOWED


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (b"gpu-box", b"http://gpu-box:80"),
        (b"gpu-box:443", b"https://gpu-box"),
        (b"GPU-Box", b"https://gpu-box"),
        (b"[::ffff:1]:8080", b"http://[::ffff:1]:8080"),
    ],
)
def test_the_port_that_goes_without_saying_makes_no_other_origin(host: bytes, origin: bytes) -> None:
    assert code_for(PLAIN, host, origin) is None


@pytest.mark.parametrize(
    ("origin", "taken"),
    [
        (b"https://chat.example.org", True),
        (b"https://CHAT.example.org:443", True),
        (b"https://upper.example", True),
        (b"http://other.example", True),
        (b"http://chat.example.org", False),
        (b"https://chat.example.org:8443", False),
    ],
)
def test_takes_the_pages_that_the_operator_allows(origin: bytes, taken: bool) -> None:
    assert (code_for(CHOSEN, b"10.0.0.1", origin) is None) is taken


def test_a_star_takes_every_page_but_no_strange_name() -> None:
    visitors = Visitors("x", (), ("*",))

    assert code_for(visitors, b"nas", b"null") is None
    assert code_for(visitors, b"evil.example", b"http://evil.example") is ErrorCode.HOST_NOT_ALLOWED


def test_a_rebound_page_is_refused_though_it_is_its_own_origin() -> None:
    assert code_for(PLAIN, b"evil.example:8080", b"http://evil.example:8080") is ErrorCode.HOST_NOT_ALLOWED


def test_a_preflight_is_never_refused() -> None:
    PLAIN.check(b"evil.example", b"null", "OPTIONS")


def test_a_pair_is_only_remembered_when_both_are_right() -> None:
    visitors = Visitors("x", (), ())
    visitors.check(b"nas", None)
    visitors.check(b"10.0.0.1", b"http://10.0.0.1")

    assert code_for(visitors, b"nas", b"http://10.0.0.1") is ErrorCode.ORIGIN_NOT_ALLOWED
    assert code_for(visitors, b"nas", b"http://10.0.0.1") is ErrorCode.ORIGIN_NOT_ALLOWED


def test_ever_new_names_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MOST_KNOWN", 10)
    visitors = Visitors("x", (), ())

    for number in range(100):
        visitors.check(b"nas%d" % number, None)

    assert len(visitors._known) <= 10


def test_what_it_tells_is_short_and_says_what_to_do() -> None:
    with pytest.raises(Refused, match="--allowed-hosts") as refused:
        PLAIN.check(b"evil." * 2000 + b"example", None)

    assert len(str(refused.value)) < 400
