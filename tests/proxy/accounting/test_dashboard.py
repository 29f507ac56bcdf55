"""The dashboard asks for metrics and labels that there are, and leaves none of them out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchyard_proxy.accounting.families import FAMILIES, Kind

FILE = Path(__file__).parents[3] / "docs" / "grafana" / "switchyard-proxy.json"
DASHBOARD = json.loads(FILE.read_text("utf-8"))
FROM_PROMETHEUS = {"instance", "le"}
NAME = re.compile(r"\bswitchyard_proxy_\w+")
SELECTOR = re.compile(r"(switchyard_proxy_\w+)\{([^}]*)\}")


def expressions() -> list[str]:
    targets = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return targets + [
        variable["definition"] for variable in DASHBOARD["templating"]["list"] if "definition" in variable
    ]


def family(name: str) -> str:
    for suffix in ("_bucket", "_sum", "_count"):
        base = name.removesuffix(suffix)
        if base in FAMILIES and FAMILIES[base].kind is Kind.HISTOGRAM:
            return base
    return name


def asked_labels() -> Iterator[tuple[str, str]]:
    for expression in expressions():
        names = [family(name) for name in NAME.findall(expression)]
        for name, selector in SELECTOR.findall(expression):
            yield from ((family(name), label) for label in re.findall(r"(\w+)\s*=~?", selector))
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            yield from ((name, label.strip()) for name in names for label in grouped.split(","))


def test_every_expression_uses_metrics_that_exist() -> None:
    used = {family(name) for expression in expressions() for name in NAME.findall(expression)}

    assert used == set(FAMILIES)


def test_every_label_is_one_that_its_metric_has() -> None:
    wrong = {
        (name, label)
        for name, label in asked_labels()
        if label not in FROM_PROMETHEUS and label not in FAMILIES[name].labels
    }

    assert wrong == set()


def test_legends_name_labels_that_are_left() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            kept = {
                label.strip()
                for group in re.findall(r"by \(([^)]*)\)", target["expr"])
                for label in group.split(",")
            }
            assert named <= kept, panel["title"]


def test_a_counter_is_shown_as_a_rate_and_a_gauge_as_it_is() -> None:
    for expression in (one for one in expressions() if not one.startswith("label_values")):
        for name in NAME.findall(expression):
            is_gauge = FAMILIES[family(name)].kind is Kind.GAUGE
            assert (f"rate({name}" in expression) is not is_gauge, expression


def test_panels_neither_overlap_nor_share_an_id() -> None:
    taken: dict[tuple[int, int], Any] = {}
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"]
                assert x < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
