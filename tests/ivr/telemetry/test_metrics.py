"""The engine's metrics, as Prometheus reads them."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from ivr.configuration.compiled import Compiled
from ivr.telemetry.metrics import SECONDS, Metrics, MetricsServer
from tests.ivr.engine_lines import caller, run, running_engine, until


def figures(metrics: Metrics) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry


def test_a_session_is_counted_by_flow_and_ending_with_its_seconds() -> None:
    metrics = Metrics(("menu", "survey"))
    metrics.flows["menu"].open += 2
    metrics.flows["menu"].ended("hangup", 4.0)
    read = figures(metrics).get_sample_value
    assert read("ivr_sessions_open", {"flow": "menu"}) == 1
    assert read("ivr_sessions_total", {"flow": "menu", "ending": "hangup"}) == 1
    assert read("ivr_sessions_total", {"flow": "menu", "ending": "done"}) == 0  # there from the start, for rate()
    assert read("ivr_sessions_total", {"flow": "survey", "ending": "hangup"}) == 0
    assert read("ivr_session_seconds_sum", {"flow": "menu"}) == 4
    assert read("ivr_session_seconds_count", {"flow": "menu"}) == 1
    assert read("ivr_session_seconds_bucket", {"flow": "menu", "le": "1.0"}) == 0
    assert read("ivr_session_seconds_bucket", {"flow": "menu", "le": "5.0"}) == 1
    assert read("ivr_session_seconds_bucket", {"flow": "menu", "le": "+Inf"}) == 1


@pytest.mark.parametrize("seconds", [0.0, *SECONDS, 1e9])
def test_a_bucket_counts_values_up_to_its_bound(seconds: float) -> None:
    metrics = Metrics(("menu",))
    metrics.flows["menu"].ended("done", seconds)
    read = figures(metrics).get_sample_value
    for bound in SECONDS:
        expected = float(seconds <= bound)
        assert read("ivr_session_seconds_bucket", {"flow": "menu", "le": str(bound)}) == expected


def test_every_metric_exists_from_the_start() -> None:
    text = {sample.name for family in figures(Metrics(("menu",))).collect() for sample in family.samples}
    assert text >= {
        "ivr_alarms_total",
        "ivr_configuration_seconds",
        "ivr_connections",
        "ivr_facts_total",
        "ivr_flow_events_total",
        "ivr_flow_failures_total",
        "ivr_log_lines_dropped_total",
        "ivr_protocol_errors_total",
        "ivr_refused_total",
        "ivr_reloads_total",
        "ivr_spool_pending_seconds",
    }


def test_the_server_answers_on_its_own_port_and_frees_it() -> None:
    metrics = Metrics(("menu",))
    server = MetricsServer(metrics, 0)
    port = server.port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        families = {family.name for family in text_string_to_metric_families(page.read().decode())}
    assert {"ivr_sessions", "ivr_facts", "process_open_fds"} <= families
    with pytest.raises(OSError, match="Address already in use"):
        MetricsServer(metrics, port)
    server.close()
    MetricsServer(metrics, port).close()


def test_a_call_changes_the_metrics_of_the_engine(compiled: Compiled) -> None:
    async def main() -> None:
        async with running_engine(compiled) as harness:
            read: Any = figures(harness.metrics).get_sample_value
            line = await harness.dial()
            command = await line.command()
            assert read("ivr_sessions_open", {"flow": "short"}) == 1
            assert read("ivr_connections") == 1
            await line.play(caller("5"), command)
            await until(lambda: read("ivr_connections") == 0)
            assert read("ivr_sessions_total", {"flow": "short", "ending": "done"}) == 1
            assert read("ivr_facts_total", {"result": "written"}) == 1
            assert read("ivr_facts_total", {"result": "failed"}) == 0
            await until(lambda: read("ivr_spool_pending_seconds") == 0)
            assert read("ivr_configuration_seconds") > 0

    run(main())
