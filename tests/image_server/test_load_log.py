"""What the log says of a load: enough to follow it, not a line for every file."""

from switchyard_image_server.load_log import line, logged
from switchyard_image_server.progress import Progress


def read(component: str, done: int, files_done: int = 0) -> Progress:
    return Progress(component, files_done, 4, done, 1000)


def test_says_each_component_and_each_tenth_and_passes_everything_on() -> None:
    said: list[str] = []
    passed: list[Progress] = []
    steps = [
        Progress(files=4, bytes=1000),
        read("text_encoder", 0),
        read("text_encoder", 50),
        read("text_encoder", 110, 1),
        read("text_encoder", 190, 1),
        read("transformer", 200, 2),
        read("transformer", 1000, 4),
    ]

    tell = logged(passed.append, said.append)
    for step in steps:
        tell(step)

    assert passed == steps
    assert said == [
        "loading text_encoder: 0 % (0 of 4 files)",
        "loading text_encoder: 11 % (1 of 4 files)",
        "loading transformer: 20 % (2 of 4 files)",
        "loading transformer: 100 % (4 of 4 files)",
    ]


def test_a_load_that_does_not_know_how_much_there_is_says_nothing_wrong() -> None:
    assert line(Progress()) == "loading weights: 0 % (0 of 0 files)"
