"""The page's files: what is served, as what, and what never."""

import gzip
import re
from pathlib import Path

import pytest

from switchyard_proxy.api.page import FOLDER, KINDS, Page, PageAnew, page_for
from switchyard_proxy.errors import Refused
from tests.proxy.conftest import House
from tests.proxy.engines import says_json
from tests.proxy.running import PAGE, settings_with

FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())
OWN = [path for path in FILES if path.relative_to(FOLDER).parts[0] != "vendor" and path.suffix != ".woff2"]


def test_every_file_of_the_page_is_served() -> None:
    page = Page.load()

    assert {path.relative_to(FOLDER).as_posix() for path in FILES} == set(page.files) - {""}


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/", "/ui/app.js", "/ui/icon.svg"])
async def test_a_file_comes_as_its_kind_under_the_strict_policy(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.get(path)

    suffix = Path(path).suffix or ".html"
    assert reply.headers["content-type"] == KINDS[suffix].decode()
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]


async def test_the_page_links_to_files_that_browsers_keep_for_good(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        index = await client.get("/")
        links = re.findall(r'(?:src|href)="(/ui/[^"]+)"', index.text)
        replies = [await client.get(link) for link in links]

    assert links
    assert all(link.startswith(f"/ui/{PAGE.version}/") for link in links)
    assert {reply.status_code for reply in replies} == {200}
    assert {reply.headers["cache-control"] for reply in replies} == {"public, max-age=31536000, immutable"}
    assert index.headers["cache-control"] == "no-cache"


async def test_the_page_itself_is_kept_by_nobody_under_its_version_either() -> None:
    page = Page.load()

    for name in (f"{page.version}/", f"{page.version}/index.html"):
        headers, content = await page.file(name)
        assert (b"cache-control", b"no-cache") in headers
        assert content == page.files[""].content


async def test_a_former_version_is_not_found() -> None:
    with pytest.raises(Refused):
        await Page.load().file("0123456789ab/app.js")


def test_any_change_of_any_file_makes_another_version(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="/ui/app.js">')
    (tmp_path / "app.js").write_text("1")
    first = Page.load(tmp_path).version
    (tmp_path / "app.js").write_text("2")

    assert Page.load(tmp_path).version != first
    assert Page.load(tmp_path).version == Page.load(tmp_path).version


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [
        ("gzip, deflate, br", True),
        ("br, gzip;q=0.5", True),
        ("identity", False),
        ("gzip;q=0, identity", False),
        ("gzip; q=0.0", False),
        ("", False),
    ],
)
async def test_it_is_packed_for_whoever_takes_that(house: House, accepts: str, *, packed: bool) -> None:
    _, _, proxy = await house.serving(says_json({}))
    plain = PAGE.files["app.js"].content

    async with (
        proxy.client() as client,
        client.stream("GET", "/ui/app.js", headers={"accept-encoding": accepts}) as reply,
    ):
        raw = b"".join([piece async for piece in reply.aiter_raw()])

    assert (reply.headers.get("content-encoding") == "gzip") is packed
    assert reply.headers["vary"] == "accept-encoding"
    assert (gzip.decompress(raw) if packed else raw) == plain


async def test_a_font_is_not_packed_again(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x" * 1000)
    (tmp_path / "mono.woff2").write_bytes(b"x" * 1000)

    headers, content = await Page.load(tmp_path).file("mono.woff2", b"gzip")

    assert (b"content-type", b"font/woff2") in headers
    assert b"content-encoding" not in dict(headers)
    assert content == b"x" * 1000


async def test_whoever_works_on_the_page_sees_each_change_at_once(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="/ui/app.js">')
    (tmp_path / "app.js").write_text("1")
    page = PageAnew(tmp_path)

    _, before = await page.file("app.js")
    (tmp_path / "app.js").write_text("2")
    headers, after = await page.file("app.js", b"gzip")
    _, index = await page.file("")

    assert (before, after, index) == (b"1", b"2", b'<script src="/ui/app.js">')
    assert (b"cache-control", b"no-store") in headers


@pytest.mark.parametrize("name", ["../secret.txt", "nothing.js", "sub/../../secret.txt", "/etc/hostname"])
async def test_no_path_leads_out_of_a_folder_that_is_read_anew(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "ui").mkdir()
    (tmp_path / "ui" / "index.html").write_text("")

    with pytest.raises(Refused):
        await PageAnew(tmp_path / "ui").file(name)


@pytest.mark.parametrize(("said", "kind"), [("on", PageAnew), ("off", Page)])
def test_the_files_are_read_once_unless_somebody_works_on_them(said: str, kind: type) -> None:
    assert isinstance(page_for(settings_with(ui_reload=said)), kind)


@pytest.mark.parametrize(
    "path", ["/ui/../app.py", "/ui/%2e%2e/app.py", "/ui/..%2fapp.py", "/ui//etc/passwd", "/ui/%2fetc%2fpasswd"]
)
async def test_no_path_leads_out_of_the_folder(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)

    line.writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

    assert (await line.head()).startswith("HTTP/1.1 404 ")


async def test_an_unknown_file_is_refused() -> None:
    with pytest.raises(Refused):
        await Page.load().file("app.py")


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_the_page_asks_nobody_else_for_anything(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text)


def test_what_the_page_names_is_there_and_nothing_is_written_inline() -> None:
    index = (FOLDER / "index.html").read_text()
    named = re.findall(r'(?:src|href)="/ui/([^"]+)"', index)

    assert set(named) <= set(Page.load().files)
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", index)


@pytest.mark.parametrize("path", [path for path in OWN if path.suffix == ".js"], ids=lambda path: path.name)
def test_every_module_that_another_imports_is_there(path: Path) -> None:
    named = re.findall(r"""(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"'$]+)["']""", path.read_text())

    assert [name for name in named if not (path.parent / name).is_file()] == []


@pytest.mark.parametrize("sink", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write(", "eval("])
def test_what_a_model_says_can_only_become_text(sink: str) -> None:
    assert [path.name for path in OWN if path.suffix == ".js" and sink in path.read_text()] == []
