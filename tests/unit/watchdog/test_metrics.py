"""The registry of metrics, what a snapshot gives of them, and the page about them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from podkeeper import paths
from podkeeper.recorders import metrics, metrics_page
from podkeeper.recorders.metrics import MetricError, Sample
from podkeeper.recorders.snapshot_metrics import samples


def parsed(text):
    """Return the samples of a text as Prometheus' own parser reads them."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one(**rest):
    """Return a registry of one gauge with one label."""
    declared = {"type": "gauge", "unit": "x", "labels": ["a"], "help": "Help.", "same_as": ""}
    return metrics.parse({"podkeeper_one": {**declared, **rest}})


def test_a_full_snapshot_gives_every_metric(full):
    """Every metric that is declared is emitted, and every value reads back unchanged."""
    given_samples = list(samples(full, "1.2.3", 101.5))
    registry = metrics.load()
    found = parsed(registry.exposition(given_samples))
    assert {name for name, _ in found} == set(registry.metrics)
    assert found == {(each.name, each.labels): each.value for each in given_samples}


def test_an_empty_snapshot_gives_no_zeros(snapshot, program):
    """What is not known is absent: nothing of an unknown program, disk or GPU is emitted."""
    text = metrics.load().exposition(samples(snapshot(program("webui")), "1.2.3", 100.0))
    assert {name for name, _ in parsed(text)} == {
        "podkeeper_build_info",
        "podkeeper_worker_ready",
        "podkeeper_snapshots_total",
        "podkeeper_snapshot_age_seconds",
    }


@pytest.mark.parametrize(("state", "up"), [("RUNNING", 1.0), ("BACKOFF", 0.0)])
def test_a_program_is_up_when_it_runs(snapshot, program, state, up):
    """A program's state is a label, and up is 1 for RUNNING alone."""
    text = metrics.load().exposition(samples(snapshot(program("a", state=state)), "1", 100.0))
    found = parsed(text)
    assert found["podkeeper_program_up", ("a",)] == up
    assert found["podkeeper_program_state", ("a", state)] == 1.0


ONE = one()


@pytest.mark.parametrize(
    "sample",
    [
        Sample("podkeeper_other", 1),
        Sample("podkeeper_other", None),
        Sample("podkeeper_one", 1),
        Sample("podkeeper_one", None, ("a", "b")),
    ],
)
def test_an_undeclared_metric_is_an_error(sample):
    """A name or a number of labels that is not declared is an error, known value or not."""
    with pytest.raises(MetricError, match="cannot emit podkeeper_"):
        one().exposition([sample])


@settings(max_examples=40)
@given(
    label=st.text(st.characters(codec="utf-8", exclude_characters="\r")),
    value=st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False)),
)
def test_any_label_and_value_come_back(label, value):
    """Any label and any number come back through Prometheus' own parser."""
    text = ONE.exposition([Sample("podkeeper_one", value, (label,))])
    ((_, labels), read), *rest = parsed(text).items()
    assert (labels, rest) == ((label,), [])
    assert math.isclose(read, value) or read == value


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Zl", "Zp", "Cc"])))
def test_help_stays_on_its_line(text):
    """No help text can break the format."""
    written = one(help=text + "\nsecond").exposition([Sample("podkeeper_one", 1, ("x",))])
    assert written.count("\n") == 3


@pytest.mark.parametrize(
    "broken",
    [
        {"podkeeper_one": {"type": "gauge"}},
        {"podkeeper_one": {"type": "dial", "unit": "", "labels": [], "help": "", "same_as": ""}},
        {"other_one": {"type": "gauge", "unit": "", "labels": [], "help": "", "same_as": ""}},
        {"podkeeper_a": {"type": "counter", "unit": "", "labels": [], "help": "", "same_as": ""}},
        {
            "podkeeper_a_total": {
                "type": "gauge",
                "unit": "",
                "labels": [],
                "help": "",
                "same_as": "",
            }
        },
    ],
)
def test_a_bad_declaration_is_refused(broken):
    """An incomplete declaration, or a name against the rules for names, is refused."""
    with pytest.raises(MetricError, match=r"cannot (read|declare)"):
        metrics.parse(broken)


def test_every_metric_has_words():
    """Every metric says what it means, in a sentence."""
    for name, metric in metrics.load().metrics.items():
        assert metric.help.endswith("."), name


def test_the_page_about_metrics_is_current():
    """docs/metrics.md is what the registry gives; `make docs` makes it so."""
    page = paths.conf_dir().parent / "docs" / "metrics.md"
    if not page.exists():
        pytest.skip("the documentation is not installed")
    assert page.read_text(encoding="utf-8") == metrics_page.page(metrics.load())
