"""`switchyard doctor`: look at this machine, and say what will not do, and what to do about it."""

from collections.abc import Iterable

import typer

from switchyard_manager.cli.findings import Finding, Level
from switchyard_manager.cli.printing import Json, say, say_json
from switchyard_manager.settings import read_settings


def doctor(json_output: Json = False) -> None:
    """Look at this machine, and say what to do about what is amiss."""
    # Docker's SDK and the driver's library: a quarter of a second that no other command should take.
    from switchyard_manager.cli.machine_checks import look

    report(look(read_settings()), json_output=json_output)


def report(looked: Iterable[Finding], *, json_output: bool) -> None:
    """As they are found: some looks take their time. Exits 1 if one of them is a fail."""
    findings = []
    for finding in looked:
        findings.append(finding)
        if not json_output:
            say(str(finding))
    fails = sum(finding.level is Level.FAIL for finding in findings)
    if json_output:
        say_json({"ok": not fails, "findings": [finding.as_dict() for finding in findings]})
    elif fails:
        say('cannot run well here yet: mend what is marked "fail", then look again', err=True)
    if fails:
        raise typer.Exit(1)
