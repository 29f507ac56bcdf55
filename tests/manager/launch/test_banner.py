"""What `up` says once clients can come."""

from dataclasses import replace

from switchyard_manager.launch.banner import Facts, banner

FACTS = Facts(
    address="http://localhost:8080",
    models=("demo-chat", "demo-image"),
    catalog="/home/me/models.json",
    runtime="docker",
    key="",
    is_open=False,
    end="./setup.sh down",
)


def test_says_where_with_what_and_how_to_end_it() -> None:
    said = banner(FACTS)

    assert "Engines run as: docker" in said
    assert "address  http://localhost:8080/v1 " in said
    assert "models   demo-chat, demo-image   (from /home/me/models.json)" in said
    assert '"model": "demo-chat"' in said
    assert "stop     ./setup.sh down" in said
    assert "Authorization" not in said


def test_shows_how_a_key_is_given_and_made_where_one_is_asked_for() -> None:
    said = banner(replace(FACTS, key="$(./setup.sh keys show-first)"))

    assert '-H "Authorization: Bearer $(./setup.sh keys show-first)"' in said
    assert "./setup.sh keys add NAME" in said


def test_warns_of_an_address_that_asks_others_for_no_key() -> None:
    assert "Anyone who can reach this address" in banner(replace(FACTS, is_open=True))
    assert "Anyone" not in banner(FACTS)


def test_names_a_few_of_many_models_and_none_of_none() -> None:
    many = banner(replace(FACTS, models=tuple(f"m{number}" for number in range(11))))

    assert "m0, m1, m2, m3, m4, m5, m6, m7 and 3 more" in many
    assert '"model": "MODEL"' in banner(replace(FACTS, models=()))
