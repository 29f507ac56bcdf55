"""The stack itself: what the tests of the pages count on."""

from tests.ui.browser.stack import Stack


def test_it_says_back_what_it_is_told(stack: Stack) -> None:
    reply = stack.ask("echo", "[pace 1] <b>hello</b> there")

    assert reply.json()["choices"][0]["message"]["content"] == "<b>hello</b> there"


def test_it_fails_as_ordered(stack: Stack) -> None:
    reply = stack.ask("echo", "[fail no such luck]")

    assert (reply.status_code, reply.json()["error"]["message"]) == (500, "no such luck")


def test_a_proxy_of_ones_own_is_killed_and_comes_again(stack: Stack) -> None:
    proxy = stack.new_proxy(auth="on")
    key = proxy.start().new_key("mine", "operate")
    proxy.kill()
    assert not proxy.is_up()

    proxy.start()

    assert proxy.is_up()
    assert key.startswith("sy-")
