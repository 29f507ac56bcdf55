import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.model_files.job import Done, Job, Line, Told, failure, read, write
from switchyard_manager.model_files.needs import Need, Part

SECRET = "hf_hushed"


def test_a_job_comes_out_as_it_went_in() -> None:
    needs = (Need("org/m", "v1", code=True), Need("org/l", part=Part.ADAPTER, file="a.safetensors", must=False))
    job = Job("m", needs, "/hub", "http://hub", SECRET, refresh=True)

    assert Job.from_json(job.to_json()) == job
    assert SECRET not in repr(job)


@pytest.mark.parametrize(
    "line", [Told(1, 2, "waits"), Done(3), failure(Reason.DISK_FULL, "cannot go on", "make room")]
)
def test_what_is_said_is_heard(line: Line) -> None:
    assert read(write(line)) == line


@pytest.mark.parametrize("text", ["a warning", "[]", "{}", '{"kind": "news"}', '{"kind": "told", "odd": 1}'])
def test_what_else_is_written_to_its_output_is_no_word_of_its(text: str) -> None:
    assert read(text) is None
