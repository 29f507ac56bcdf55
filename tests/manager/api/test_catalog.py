"""models.json as one text over the network: read, checked at its places, and never written over unseen."""

import asyncio
import json
from typing import Any

import pytest

from switchyard_contracts.catalog import catalog_schema
from switchyard_contracts.status import Phase
from tests.manager.api.conftest import House, Open, text_of

PATH = "/api/catalog"


async def read(house: House) -> dict[str, Any]:
    reply = await house.http.get(PATH)
    assert reply.status_code == 200
    assert reply.headers["etag"] == reply.json()["etag"]
    told: dict[str, Any] = reply.json()
    return told


async def put(house: House, text: str, etag: str) -> Any:
    return await house.http.put(PATH, content=text.encode(), headers={"if-match": etag})


async def test_the_text_is_given_as_it_stands_in_the_file(open_house: Open) -> None:
    house = await open_house({"m": {}})

    told = await read(house)

    assert told["text"] == await asyncio.to_thread(house.file.read_text)
    assert told["path"] == str(house.file)
    assert (told["writable"], told["guarded"], told["problems"]) == (True, True, [])


async def test_a_new_text_acts_at_once(open_house: Open) -> None:
    house = await open_house({"m": {}})
    etag = (await read(house))["etag"]
    text = text_of({"m": {"aliases": ["mine"]}, "n": {"path": "state:x"}})

    reply = await put(house, text, etag)

    assert (reply.status_code, reply.json()["changed"]) == (200, True)
    assert house.status("n").phase is Phase.STOPPED
    assert (await house.http.get("/api/models/mine")).json()["name"] == "m"
    assert await asyncio.to_thread(house.file.read_text) == text
    assert reply.json()["etag"] == reply.headers["etag"] == (await read(house))["etag"]


async def test_the_same_text_changes_nothing(open_house: Open) -> None:
    house = await open_house({"m": {}})
    told = await read(house)

    reply = await put(house, told["text"], told["etag"])

    assert reply.json() == {"changed": False, "etag": told["etag"]}


async def test_what_somebody_else_wrote_meanwhile_is_not_written_over(open_house: Open) -> None:
    house = await open_house({"m": {}})
    etag = (await read(house))["etag"]
    theirs = text_of({"m": {"priority": 3}})
    await asyncio.to_thread(house.file.write_text, theirs)

    reply = await put(house, text_of({"m": {"priority": 4}}), etag)
    anyway = await put(house, text_of({"m": {"priority": 5}}), "*")

    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (412, "edited_meanwhile", "If-Match")
    assert anyway.status_code == 200
    assert '"priority": 5' in await asyncio.to_thread(house.file.read_text)


async def test_without_a_word_on_what_was_changed_nothing_is_written(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.put(PATH, content=b"{}")

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "missing_required_parameter")


async def test_a_text_with_faults_is_refused_whole_and_says_all_of_them(open_house: Open) -> None:
    house = await open_house({"m": {}})
    told = await read(house)

    reply = await put(house, text_of({"m": {"typ": "text", "priority": "high"}}), told["etag"])

    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (400, "invalid_value")
    assert "models.m.typ" in error["message"]
    assert "models.m.priority" in error["message"]
    assert (await read(house))["text"] == told["text"]


async def test_each_fault_is_found_where_it_stands_and_checking_writes_nothing(open_house: Open) -> None:
    house = await open_house({"m": {}})
    before = await asyncio.to_thread(house.file.read_bytes)
    text = text_of({"m": {"typ": "text", "priority": "high"}})

    reply = await house.http.post(f"{PATH}/check", content=text)

    lines = text.split("\n")
    found = {problem["path"]: problem for problem in reply.json()["problems"]}
    assert set(found) == {"models.m.typ", "models.m.priority"}
    for problem in found.values():
        assert problem["message"].startswith("cannot")
        assert lines[problem["line"] - 1][problem["column"] - 1 :].startswith('"')
        assert problem["path"].rpartition(".")[2] in lines[problem["line"] - 1]
    assert await asyncio.to_thread(house.file.read_bytes) == before


async def test_what_is_no_json_is_found_by_line_and_column(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.post(f"{PATH}/check", content=b'{\n  "models": {,}\n}')

    (problem,) = reply.json()["problems"]
    assert (problem["line"], problem["column"]) == (2, 14)


async def test_nothing_wrong_is_said_as_no_problems(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.post(f"{PATH}/check", content=text_of({"m": {}, "n": {"path": "state:x"}}))

    assert reply.json() == {"problems": []}


async def test_a_file_with_faults_is_shown_with_them(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await asyncio.to_thread(house.file.write_text, "{}")

    told = await read(house)

    assert told["text"] == "{}"
    assert told["problems"]


async def test_what_can_run_programs_is_not_set_over_the_network(open_house: Open) -> None:
    house = await open_house({"m": {}})
    etag = (await read(house))["etag"]
    text = text_of({"m": {"env": {"LD_PRELOAD": "/x"}}})

    reply = await put(house, text, etag)
    checked = await house.http.post(f"{PATH}/check", content=text)

    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (403, "not_allowed", "models.m.env")
    assert "SWITCHYARD_ALLOW_REMOTE_SPECS=1" in error["message"]
    assert [problem["path"] for problem in checked.json()["problems"]] == ["models.m.env"]
    assert "LD_PRELOAD" not in (await read(house))["text"]


async def test_the_operator_may_allow_it(open_house: Open) -> None:
    house = await open_house({"m": {}}, allows_remote_specs=True)
    told = await read(house)
    text = text_of({"m": {"env": {"A": "b"}}})

    checked = await house.http.post(f"{PATH}/check", content=text)
    reply = await put(house, text, told["etag"])

    assert (told["guarded"], checked.json()["problems"], reply.status_code) == (False, [], 200)


async def test_a_text_that_is_not_utf_8_or_too_long_is_refused(open_house: Open) -> None:
    house = await open_house({"m": {}})

    garbled = await house.http.put(PATH, content=b'{"\xff"}', headers={"if-match": "*"})
    endless = await house.http.post(f"{PATH}/check", content=b" " * (4 * 2**20 + 1))

    assert (garbled.status_code, garbled.json()["error"]["code"]) == (400, "invalid_value")
    assert (endless.status_code, endless.json()["error"]["code"]) == (413, "request_too_large")


async def test_a_file_that_is_gone_is_said_to_be_so(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await asyncio.to_thread(house.file.unlink)

    replies = [
        await house.http.get(PATH),
        await put(house, text_of({"m": {}}), "*"),
        await house.http.post(f"{PATH}/check", content=text_of({"m": {}})),
    ]

    assert {(reply.status_code, reply.json()["error"]["code"]) for reply in replies} == {
        (409, "not_possible_now")
    }


async def test_the_schema_is_the_committed_one(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.get(f"{PATH}/schema")

    assert reply.json() == json.loads(json.dumps(catalog_schema()))


@pytest.mark.parametrize("path", [PATH, f"{PATH}/schema"])
async def test_nobody_reads_it_without_the_token(open_house: Open, path: str) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.get(path, headers={"authorization": "Bearer wrong"})

    assert reply.status_code == 401
