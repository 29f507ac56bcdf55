from switchyard_manager.scheduler import next_try
from switchyard_manager.scheduler.backoff import LONGEST_S, next_try_in_this_environment


def test_an_engine_that_never_came_up_waits_longer_each_time() -> None:
    assert [next_try(n, was_proved=False) for n in (1, 2, 3)] == [60, 120, 240]


def test_the_first_crash_of_a_proved_engine_is_mended_at_once() -> None:
    assert [next_try(n, was_proved=True) for n in (1, 2, 3)] == [0, 60, 120]


def test_there_is_always_a_next_try() -> None:
    assert next_try(10_000, was_proved=False) == LONGEST_S


def test_k37_what_only_the_operator_can_mend_is_left_alone_for_long_at_once() -> None:
    assert next_try(1, was_proved=False, lasts=True) == LONGEST_S


def test_what_is_not_the_models_fault_is_tried_again_sooner() -> None:
    assert [next_try_in_this_environment(n) for n in (1, 2, 3, 4, 5, 99)] == [5, 10, 20, 40, 60, 60]


def test_what_was_a_matter_of_chance_is_tried_again_at_once_and_then_like_everything_else() -> None:
    assert [next_try_in_this_environment(n, is_over=True) for n in (1, 2, 3)] == [0, 5, 10]
