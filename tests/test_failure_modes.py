"""Where each known failure mode of model switchers is tested. A row without a test, or whose test went, fails.

F: what went wrong in the peers when models were switched. K: containers, GPUs, health, disk. The names of the
tests say what the rows mean.
"""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent

WORLD = "manager/test_world.py"
MEMORY = "manager/test_world_memory.py"
PLAN = "manager/test_plan.py"
ROOM = "manager/test_room.py"
ROOMS = "manager/test_supervisor_rooms.py"
SUPERVISOR = "manager/test_supervisor.py"
TAKEOVER = "manager/test_takeover.py"
SWITCHING = "e2e/test_switching.py"
CONTRACT = "manager/runtimes/contract.py"
CONTAINERS = "e2e/docker/test_containers.py"
AWAY = "e2e/docker/test_engine_away.py"
RESTART = "e2e/docker/test_manager_restart.py"
FORWARD = "proxy/wire/test_forward.py"
COLD_START = "proxy/wire/test_cold_start.py"
STREAMS = "proxy/streams/test_hub.py"
BODIES = "proxy/bodies/test_reading.py"
UPLOADS = "proxy/bodies/test_uploads.py"
SOAK = "e2e/proxy/test_soak.py"
KILLS = "e2e/proxy/test_kills.py"

TESTED: dict[str, tuple[tuple[str, str], ...]] = {
    "F1": (("e2e/test_ten_thousand.py", "test_ten_thousand_requests_around_unload_and_eviction_all_resolve"),),
    "F2": ((SWITCHING, "test_f2_one_request_is_served_within_its_bound_under_constant_load_on_another"),),
    "F3": (
        (SWITCHING, "test_f3_requests_to_a_loaded_model_go_on_while_another_hangs_in_its_stop"),
        (SUPERVISOR, "test_a_slow_stop_of_one_model_does_not_hold_up_another"),
    ),
    "F4": ((SWITCHING, "test_f4_two_models_under_saturation_swap_no_oftener_than_min_resident_allows"),),
    "F5": (
        (SWITCHING, "test_f5_the_leader_leaves_and_the_follower_is_served_by_the_same_load"),
        (SWITCHING, "test_f5_a_load_that_nobody_waits_for_any_more_gives_way_to_another"),
    ),
    "F6": (
        (SWITCHING, "test_f6_fifty_concurrent_first_requests_start_exactly_one_engine"),
        (RESTART, "test_f6_fifty_concurrent_first_requests_make_exactly_one_container"),
    ),
    "F7": (
        (ROOMS, "test_f7_a_start_waits_for_memory_that_was_freed_to_show"),
        (ROOM, "test_memory_that_never_comes_back_is_told_after_a_while"),
    ),
    "F8": (
        (CONTRACT, "test_a_stop_leaves_nothing_of_it_running"),
        (CONTRACT, "test_what_is_deaf_is_killed_after_the_grace"),
        ("manager/test_process_runtime.py", "test_a_child_in_a_session_of_its_own_goes_with_the_engine"),
        (AWAY, "test_a_stop_that_cannot_be_confirmed_says_so"),
        (WORLD, "test_a_stop_that_fails_blocks_the_model_and_is_tried_again"),
    ),
    "F9": (
        (RESTART, "test_a_manager_killed_in_the_middle_of_a_load_leaves_one_container_or_none"),
        (CONTAINERS, "test_a_name_of_ours_that_is_taken_by_a_leftover_is_freed"),
        (TAKEOVER, "test_f9_an_engine_that_is_taken_over_is_not_started_a_second_time"),
    ),
    "F10": (
        (SUPERVISOR, "test_an_engine_that_says_yes_and_cannot_infer_is_never_granted"),
        (ROOMS, "test_f10_an_engine_that_stands_still_under_its_requests_is_found_out_and_replaced"),
    ),
    "F11": ((SUPERVISOR, "test_f11_a_health_check_that_is_taken_and_never_answered_cannot_outlast_the_limit"),),
    "F12": (
        (PLAN, "test_a_slow_load_goes_on_while_it_makes_progress_but_not_for_ever"),
        (ROOMS, "test_progress_of_a_load_is_read_from_the_log"),
    ),
    "F13": ((WORLD, "test_a_storm_of_retries_starts_a_failing_engine_once_in_its_cool_down"),),
    "F14": (
        (COLD_START, "test_before_the_commit_a_failure_has_its_real_status"),
        (COLD_START, "test_after_the_commit_a_failure_is_an_event_and_never_a_polite_end"),
        (FORWARD, "test_a_stream_that_breaks_ends_in_an_error_and_never_politely"),
        (KILLS, "test_a_killed_engine_is_told_to_everyone_whose_stream_it_cuts"),
        ("clients/test_errors.py", "test_an_engine_that_dies_mid_stream_is_an_error_for_the_client"),
    ),
    "F15": (
        (COLD_START, "test_a_streamed_request_that_waits_is_answered_and_kept_alive_with_empty_chunks"),
        (COLD_START, "test_beats_go_on_while_the_engine_thinks"),
        (COLD_START, "test_a_plain_reply_begins_with_blanks_only_once_an_engine_makes_it"),
        ("clients/test_streaming.py", "test_the_impatient_outwait_a_load_of_8_s"),
    ),
    "F16": (
        (CONTRACT, "test_a_flood_of_words_holds_nothing_up_and_loses_nothing"),
        ("proxy/streams/test_room.py", "test_a_listener_that_takes_nothing_is_overtaken_after_a_while"),
        ("proxy/accounting/test_live.py", "test_a_reader_that_is_too_slow_is_told_of_the_gap"),
    ),
    "F17": (
        ("proxy/wire/test_hangup.py", "test_work_is_cancelled_where_it_stands_when_the_client_leaves"),
        (STREAMS, "test_cancelled_at_any_point_the_log_has_an_honest_end_and_no_task_is_left"),
        (STREAMS, "test_a_reader_that_is_cancelled_anywhere_leaves_nothing_behind"),
    ),
    "F18": (
        (SWITCHING, "test_f18_a_storm_of_disconnects_leaves_nothing_counted"),
        (FORWARD, "test_a_storm_of_leaving_clients_leaves_nothing_behind"),
        (SOAK, "test_a_crowd_leaves_nothing_behind_and_costs_no_more_memory_than_is_said"),
    ),
    "F19": ((FORWARD, "test_a_kept_alive_connection_is_no_model"),),
    "F20": (
        (MEMORY, "test_f20_a_model_that_was_loaded_and_never_used_is_unloaded_too"),
        (WORLD, "test_idle_is_counted_from_the_end_of_the_last_request"),
        (WORLD, "test_a_request_that_never_ends_keeps_the_engine"),
    ),
    "F21": (
        (SWITCHING, "test_f21_looking_never_loads"),
        ("proxy/test_app.py", "test_the_list_of_models_costs_no_one_anything"),
    ),
    "F22": (
        (ROOMS, "test_f22_an_engine_that_says_it_sleeps_and_keeps_its_memory_is_stopped"),
        (ROOMS, "test_f22_an_engine_that_cannot_be_woken_is_stopped_and_started_anew"),
    ),
    "F23": (
        (SWITCHING, "test_f23_a_stream_that_lasts_longer_than_every_time_limit_is_not_cut"),
        ("e2e/proxy/test_trickle.py", "test_f23_a_trickle_outlasts_every_limit_that_can_be_set"),
        ("proxy/upstream/test_pool.py", "test_a_connection_is_kept_and_used_again"),
        (SOAK, "test_a_crowd_leaves_nothing_behind_and_costs_no_more_memory_than_is_said"),
    ),
    "F24": (
        (BODIES, "test_refuses_a_declared_length_over_the_bound_before_reading"),
        (BODIES, "test_stops_reading_an_undeclared_body_at_the_bound"),
        (UPLOADS, "test_r4_a_file_may_stand_before_the_model"),
        (UPLOADS, "test_only_the_value_of_the_model_changes"),
        (UPLOADS, "test_is_handed_on_in_blocks_and_never_whole"),
        (FORWARD, "test_a_large_answer_passes_a_slow_client_whole"),
    ),
    "K1": ((ROOM, "test_nothing_starts_while_another_on_the_gpu_starts"),),
    "K2": (
        (ROOM, "test_nothing_stops_while_another_on_the_gpu_starts"),
        ("manager/test_reasons.py", "test_what_is_the_machines_fault_is_never_counted_against_a_model"),
    ),
    "K3": ((ROOM, "test_a_start_waits_until_the_memory_freed_before_it_is_really_back"),),
    "K4": (
        (CONTAINERS, "test_it_is_made_private_without_privileges_and_reachable_on_loopback_only"),
        (ROOM, "test_memory_that_never_comes_back_is_told_after_a_while"),
    ),
    "K5": ((ROOMS, "test_k5_a_strangers_memory_is_told_by_name_and_is_not_the_models_fault"),),
    "K6": ((MEMORY, "test_k6_what_is_not_the_models_fault_never_counts_against_it"),),
    "K7": ((ROOM, "test_a_stop_that_failed_keeps_its_memory_and_blocks_its_gpu"),),
    "K8": (
        (
            ROOM,
            "test_a_model_of_unknown_size_waits_for_memory_too_but_is_never_refused_for_an_estimate",
        ),
        (MEMORY, "test_what_a_run_held_at_most_is_its_need_the_next_time"),
    ),
    "K9": (("manager/test_engines.py", "test_gpus_named_by_uuid_count_even_where_nobody_could_choose"),),
    "K10": ((ROOMS, "test_f10_an_engine_that_stands_still_under_its_requests_is_found_out_and_replaced"),),
    "K11": ((CONTAINERS, "test_the_doctor_is_told_that_docker_answers"),),
    "K12": ((RESTART, "test_a_manager_killed_and_started_again_in_the_middle_of_20_streams_cuts_none"),),
    "K13": (
        (TAKEOVER, "test_k13_an_engine_of_another_specification_is_drained_and_replaced_and_its_streams_go_on"),
        (RESTART, "test_a_changed_model_is_replaced_after_a_restart_and_its_stream_is_not_cut"),
    ),
    "K14": ((CONTAINERS, "test_two_managers_on_one_machine_never_touch_each_others"),),
    "K15": (
        (RESTART, "test_a_catalog_that_cannot_be_read_is_no_reason_to_remove_anything"),
        ("manager/test_catalog_file.py", "test_an_empty_or_unreadable_file_is_never_acted_on_and_is_told_once"),
    ),
    "K16": ((CONTAINERS, "test_a_removal_in_the_middle_of_a_stop_is_no_error"),),
    "K17": ((CONTAINERS, "test_a_name_that_a_stranger_took_is_left_to_him"),),
    "K18": (
        (WORLD, "test_a_broken_engine_is_looked_at_before_it_is_granted_again"),
        (CONTAINERS, "test_a_container_that_somebody_removed_has_ended"),
    ),
    "K19": ((SUPERVISOR, "test_k19_a_fault_in_one_decision_does_not_end_the_daemon"),),
    "K20": ((SWITCHING, "test_k20_a_load_that_fails_holds_up_no_other"),),
    "K21": (("manager/test_backoff.py", "test_an_engine_that_never_came_up_waits_longer_each_time"),),
    "K22": (
        (CONTRACT, "test_the_log_of_the_run_before_is_kept"),
        (CONTAINERS, "test_it_is_removed_once_its_log_is_copied"),
    ),
    "K23": ((AWAY, "test_a_restart_is_no_exit_and_costs_no_line_of_the_log"),),
    "K24": (
        (AWAY, "test_a_stop_that_cannot_be_confirmed_says_so"),
        (CONTAINERS, "test_what_was_made_and_never_started_is_removed"),
    ),
    "K25": ((ROOMS, "test_f10_an_engine_that_stands_still_under_its_requests_is_found_out_and_replaced"),),
    "K26": ((SUPERVISOR, "test_k26_an_engine_too_busy_for_its_health_check_is_left_alone"),),
    "K27": ((MEMORY, "test_a_slow_load_that_makes_progress_is_not_stopped_at_its_limit"),),
    "K28": ((WORLD, "test_the_leader_leaving_does_not_end_the_load"),),
    "K29": ((SWITCHING, "test_k29_a_stream_runs_to_its_end_before_its_engine_makes_room"),),
    "K30": ((TAKEOVER, "test_until_the_proxies_are_back_an_engine_that_was_taken_over_counts_as_busy"),),
    "K31": ((WORLD, "test_ready_means_one_grant_for_everyone_who_waits_at_a_proxy"),),
    "K32": (
        (COLD_START, "test_f_queue_k32_a_full_queue_refuses_with_its_numbers"),
        ("proxy/grants/test_lines.py", "test_k32_clients_refused_together_are_told_different_times"),
        ("clients/test_errors.py", "test_a_full_queue_tells_when_to_come_back"),
        (SWITCHING, "test_f6_fifty_concurrent_first_requests_start_exactly_one_engine"),
    ),
    "K33": ((CONTAINERS, "test_it_is_made_private_without_privileges_and_reachable_on_loopback_only"),),
    "K34": (("e2e/docker/test_pull.py", "test_k34_a_disk_that_is_nearly_full_is_told_before_a_pull_begins"),),
    "K37": (
        ("manager/test_backoff.py", "test_k37_what_only_the_operator_can_mend_is_left_alone_for_long_at_once"),
    ),
}

NOT_HERE: dict[str, str] = {
    "K35": "weights are downloaded by the engines themselves; nothing of ours writes into their caches",
    "K36": "the same",
}

ROWS = [f"F{number}" for number in range(1, 25)] + [f"K{number}" for number in range(1, 38)]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test_or_a_reason(row: str) -> None:
    if row in NOT_HERE:
        assert row not in TESTED
        return

    for file, test in TESTED[row]:
        assert test in _tests_in(file), f"{row}: there is no {test} in tests/{file}"


@functools.cache
def _tests_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
