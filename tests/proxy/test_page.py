"""The page's files: what is served, as what, and what never."""

import re
from pathlib import Path

import pytest

from switchyard_proxy.api.page import FOLDER, KINDS, Page
from switchyard_proxy.errors import Refused
from tests.proxy.conftest import House
from tests.proxy.engines import says_json

FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())


def test_every_file_of_the_page_is_served() -> None:
    page = Page.load()

    assert {path.relative_to(FOLDER).as_posix() for path in FILES} == set(page.files) - {""}


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/", "/ui/app.js", "/ui/page.css", "/ui/icon.svg"])
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


@pytest.mark.parametrize(
    "path", ["/ui/../app.py", "/ui/%2e%2e/app.py", "/ui/..%2fapp.py", "/ui//etc/passwd", "/ui/%2fetc%2fpasswd"]
)
async def test_no_path_leads_out_of_the_folder(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)

    line.writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

    assert (await line.head()).startswith("HTTP/1.1 404 ")


def test_an_unknown_file_is_refused() -> None:
    with pytest.raises(Refused):
        Page.load().file("app.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_page_asks_nobody_else_for_anything(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text)


def test_what_the_page_names_is_there_and_nothing_is_written_inline() -> None:
    index = (FOLDER / "index.html").read_text()
    named = re.findall(r'(?:src|href)="/ui/([^"]+)"', index)
    imported = [
        name for path in FOLDER.glob("*.js") for name in re.findall(r"from '\./([^']+)'", path.read_text())
    ]

    assert set(named + imported) <= set(Page.load().files)
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", index)


@pytest.mark.parametrize("sink", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("])
def test_what_a_model_says_can_only_become_text(sink: str) -> None:
    assert not any(sink in path.read_text() for path in FOLDER.glob("*.js"))
