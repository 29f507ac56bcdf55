"""Whether an engine gets on, from its own counts."""

from switchyard_manager.engines.metrics import image_server_work, work_done

PAGE = """\
# HELP vllm:iteration_tokens_total Histogram of number of tokens per engine_step.
# TYPE vllm:iteration_tokens_total histogram
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="m"} 7.0
vllm:iteration_tokens_total_count{engine="0",model_name="m"} 40.0
vllm:iteration_tokens_total_count{engine="1",model_name="odd} name"} 2.0
vllm:iteration_tokens_total_sum{engine="0",model_name="m"} 900.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:prompt_tokens_total{engine="0",model_name="m"} 1.5e+03
vllm:generation_tokens_total{engine="0",model_name="m"} 30.0
"""


def test_the_steps_of_every_engine_count() -> None:
    assert work_done(PAGE) == 42.25


def test_a_long_prompt_that_fills_the_cache_is_work_before_any_step_is_counted() -> None:
    later = PAGE.replace("} 0.25", "} 0.2503")

    before, after = work_done(PAGE), work_done(later)

    assert before is not None
    assert after is not None
    assert after > before


def test_a_finished_request_never_makes_the_count_fall() -> None:
    before = work_done(PAGE.replace("} 0.25", "} 1.0"))
    after = work_done(PAGE.replace("} 40.0", "} 41.0").replace("} 0.25", "} 0.0"))

    assert before == after == 43.0


def test_without_steps_tokens_count() -> None:
    tokens = "\n".join(line for line in PAGE.splitlines() if "iteration" not in line and "kv_" not in line)

    assert work_done(tokens) == 1530.0


def test_a_page_that_is_not_vllms_counts_nothing() -> None:
    assert work_done("") is None
    assert work_done("python_gc_objects_collected_total 3.0\n<html>") is None
    assert work_done("vllm:iteration_tokens_total_count nonsense\n") is None


def test_the_image_server_counts_its_work_in_one_number() -> None:
    ours = "# TYPE switchyard_image_server_work_total counter\nswitchyard_image_server_work_total 1.7e+03\n"

    assert image_server_work(ours) == 1700.0
    assert image_server_work(PAGE) is None
    assert work_done(ours) is None
