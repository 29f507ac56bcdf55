"""The table of families: each row can be reached, and is of some use."""

import re

from switchyard_contracts.catalog.families import FAMILIES, TEMPLATES, Use


def test_every_family_says_something_that_the_lack_of_one_does_not() -> None:
    assert [one.name for one in FAMILIES if not (one.tools or one.thinks or one.use is not Use.GENERATE)] == []


def test_no_two_families_have_one_name() -> None:
    names = [one.name for one in FAMILIES]

    assert len(set(names)) == len(names)


def test_a_family_that_only_its_name_tells_is_never_the_only_word_on_its_kind() -> None:
    """Else a model of that kind, called anything, would be taken for it."""
    assert all(one.kinds for one in FAMILIES if not one.only_called)


def test_every_mark_of_a_template_is_a_pattern() -> None:
    assert all(isinstance(mark, re.Pattern) and parser for mark, parser in TEMPLATES)
