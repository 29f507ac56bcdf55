"""When the switch bench lets a switch begin."""

from bench.switch import scenes


def test_a_switch_begins_when_nothing_is_left_alone_for_having_been_used() -> None:
    """As the scheduler reckons it; see its `turns`."""
    from switchyard_manager.scheduler import turns

    assert scenes.LINGER_SHARE >= turns.LINGER_SHARE
    assert scenes.LINGER_S >= turns.LINGER_S
    assert scenes.SLACK_S > turns.REPORTED_S
