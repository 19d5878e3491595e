"""Telemetry, with the SDK of OpenTelemetry and its exporters in memory."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.server import MCPServer
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from conftest import SERVER, Story, denied, refused
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    AuditLog,
    Authority,
    RevocationList,
    TrustState,
    otel,
    read_log,
)
from deputize.mcp import guard, sign_calls


@dataclass
class Telemetry:
    spans: InMemorySpanExporter
    logs: InMemoryLogRecordExporter
    reader: InMemoryMetricReader
    providers: dict[str, Any]

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def telemetry() -> Telemetry:
    spans, logs, reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
    tracer, logger = TracerProvider(), LoggerProvider()
    tracer.add_span_processor(SimpleSpanProcessor(spans))
    logger.add_log_record_processor(SimpleLogRecordProcessor(logs))
    meter = MeterProvider(metric_readers=[reader])
    return Telemetry(
        spans, logs, reader, {"tracer_provider": tracer, "logger_provider": logger, "meter_provider": meter}
    )


def test_each_decision_is_a_span_a_log_record_and_counted(story: Story, telemetry: Telemetry, tmp_path: Path) -> None:
    audit = otel.audit(AuditLog(tmp_path / "calls.log"), **telemetry.providers)
    verifier = story.verifier(audit=audit, clock=audit.clock)
    proof = story.coder.prove(story.chain({"deploy": {}}), "deploy", {}, SERVER)
    verifier.authorize(proof, "deploy", {})
    denied(lambda: verifier.authorize(proof, "deploy", {}))
    denied(lambda: verifier.authorize(b"", "some tool\n", {}))
    allowed, replayed, malformed = telemetry.spans.get_finished_spans()
    assert [span.name for span in (allowed, replayed, malformed)] == [
        "authorize deploy",
        "authorize deploy",
        "authorize",
    ]
    assert allowed.attributes is not None
    assert allowed.attributes["gen_ai.agent.id"] == story.coder.did
    assert allowed.attributes["deputize.chain.names"] == ("planner", "coder")
    assert allowed.status.status_code is trace.StatusCode.UNSET
    assert (replayed.status.status_code, replayed.status.description) == (trace.StatusCode.ERROR, "proof-replayed")
    told = [log.log_record for log in telemetry.logs.get_finished_logs()]
    assert [log.event_name for log in told] == ["deputize.decision"] * 3
    assert [log.severity_text for log in told] == ["INFO", "WARN", "WARN"]
    assert told[0].trace_id == allowed.context.trace_id
    assert "ALLOW coder called deploy for ana" in str(told[0].body)
    metrics = telemetry.metrics()
    counted = {point.attributes["deputize.code"]: point.value for point in metrics["deputize.decisions"]}
    assert counted == {"allowed": 1, "proof-replayed": 1, "name-invalid": 1}
    assert [point.value for point in metrics["deputize.replays"]] == [1]
    durations = metrics["deputize.decision.duration"]
    assert sum(point.count for point in durations) == 3
    assert all(0 < point.sum < 5 for point in durations)
    assert [record["kind"] for _, record in read_log(tmp_path / "calls.log")] == ["opened"] + ["decision"] * 3


def test_within_a_span_a_decision_is_its_event(story: Story, telemetry: Telemetry) -> None:
    verifier = story.verifier(audit=otel.audit(**telemetry.providers))
    proof = story.coder.prove(story.chain({"deploy": {}}), "deploy", {}, SERVER)
    with telemetry.providers["tracer_provider"].get_tracer("test").start_as_current_span("request"):
        verifier.authorize(proof, "deploy", {})
    (span,) = telemetry.spans.get_finished_spans()
    (event,) = span.events
    assert (span.name, event.name) == ("request", "deputize.decision")
    assert event.attributes is not None
    assert event.attributes["deputize.code"] == "allowed"
    assert telemetry.logs.get_finished_logs()[0].log_record.span_id == span.context.span_id


def test_what_the_sink_refuses_stays_refused_and_telemetry_that_fails_denies_nothing(
    story: Story, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_record: Any) -> None:
        raise OSError("the disk is full")

    class Later:
        def __await__(self) -> Any: ...

    def later(_record: Any) -> Later:
        return Later()

    chain = story.chain({"deploy": {}})
    for sink in (full, later):
        verifier = story.verifier(audit=otel.audit(sink, **telemetry.providers))
        proof = story.coder.prove(chain, "deploy", {}, SERVER)
        assert denied(lambda v=verifier, p=proof: v.authorize(p, "deploy", {})).code == "audit-unavailable"  # type: ignore[misc]
    telemetry.spans.clear()
    monkeypatch.setattr(otel, "to_telemetry", full)
    verifier = story.verifier(audit=otel.audit(**telemetry.providers))
    verifier.authorize(story.coder.prove(chain, "deploy", {}, SERVER), "deploy", {})
    assert telemetry.spans.get_finished_spans() == ()


def test_requests_for_approval_wait_until_they_are_answered(story: Story, telemetry: Telemetry) -> None:
    audit = otel.audit(**telemetry.providers)

    def waiting() -> int:
        (point,) = telemetry.metrics()["deputize.approvals.waiting"]
        return int(point.value)

    ben = Agent.generate("ben", audit=audit)
    verifier = story.verifier(audit=audit, approvals=ApprovalPolicy(1, [ben]))
    chain = story.chain({"deploy": {}})
    calls: list[dict[str, Any]] = [{"to": "staging"}, {"to": "production"}]
    for call in [*calls, calls[0]]:
        proof = story.coder.prove(chain, "deploy", call, SERVER)
        assert denied(lambda p=proof, c=call: verifier.authorize(p, "deploy", c)).code == "approval-required"  # type: ignore[misc]
    assert waiting() == 2
    ben.deny(ApprovalRequest(chain, "deploy", calls[1], SERVER))
    assert waiting() == 1
    yes = ben.approve(ApprovalRequest(chain, "deploy", calls[0], SERVER))
    assert waiting() == 0
    verifier.authorize(story.coder.prove(chain, "deploy", calls[0], SERVER, evidence=[yes]), "deploy", calls[0])
    assert waiting() == 0


def test_the_age_of_revocation_lists_is_a_gauge(story: Story, telemetry: Telemetry) -> None:
    state = TrustState([Authority("ana", story.ana)])
    audit = otel.audit(state=state, authorities=["ana"], **telemetry.providers)
    assert "deputize.revocation.age" not in telemetry.metrics()
    state.apply_list(RevocationList(1).sign(story.ana, "1h"))
    (point,) = telemetry.metrics()["deputize.revocation.age"]
    assert 0 <= point.value < 60
    assert point.attributes == {"deputize.authority": "ana"}
    del audit


@pytest.fixture
def globally(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK of MCP takes the global provider."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.providers["tracer_provider"])


@pytest.mark.usefixtures("globally")
def test_a_trace_goes_through_a_chain_of_agents(story: Story, telemetry: Telemetry) -> None:
    audit = otel.audit(**telemetry.providers)
    chain = story.chain({"ask": {}, "look": {}})
    inner, outer = MCPServer("inner"), MCPServer("outer")

    @inner.tool()
    def look() -> str:
        return "seen"

    @outer.tool()
    async def ask() -> str:
        async with Client(inner) as client:
            await sign_calls(client, Actor(story.coder, chain), SERVER).call_tool("look", {})
        return "answered"

    for server in (inner, outer):
        guard(server, story.verifier(audit=audit))

    async def call() -> None:
        async with Client(outer) as client:
            await sign_calls(client, Actor(story.coder, chain), SERVER).call_tool("ask", {})

    with telemetry.providers["tracer_provider"].get_tracer("test").start_as_current_span("request") as request:
        anyio.run(call)
    spans = telemetry.spans.get_finished_spans()
    told = [
        (event.attributes or {}).get("gen_ai.tool.name")
        for span in spans
        for event in span.events
        if "decision" in event.name
    ]
    assert sorted(map(str, told)) == ["ask", "look"]
    decided = [span for span in spans for event in span.events if event.name == "deputize.decision"]
    assert {span.context.trace_id for span in decided} == {request.get_span_context().trace_id}


def test_telemetry_is_told_of_nothing_that_was_put_off(story: Story, telemetry: Telemetry) -> None:
    async def sink(record: object) -> None:
        raise AssertionError

    def later(record: object) -> Any:
        yield

    chain = story.chain({"t": {}})
    for put_off in (sink, later):
        verifier = story.verifier(audit=otel.audit(put_off, **telemetry.providers))
        proof = story.coder.prove(chain, "t", {}, SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            assert denied(lambda: verifier.authorize(proof, "t", {})).code == "audit-unavailable"  # noqa: B023
    assert telemetry.spans.get_finished_spans() == ()
    assert "deputize.decisions" not in telemetry.metrics()


def test_no_metric_has_what_a_caller_chooses(story: Story, telemetry: Telemetry) -> None:
    verifier = story.verifier(audit=otel.audit(**telemetry.providers))
    for number in range(200):
        denied(lambda: verifier.authorize(f"x{number}", f"tool-{number}", {f"a{number}": 1}))  # noqa: B023
    points = [point for points in telemetry.metrics().values() for point in points]
    named = {(name, value) for point in points for name, value in (point.attributes or {}).items()}
    assert {name for name, _ in named} == {"deputize.decision", "deputize.code"}
    assert len(named) <= 4


def test_what_is_no_sink_is_refused() -> None:
    assert refused(lambda: otel.audit("calls.log")).code == "config-invalid"  # type: ignore[arg-type]
    assert refused(lambda: otel.audit(clock=1)).code == "config-invalid"  # type: ignore[arg-type]
    assert refused(lambda: otel.audit(authorities=["ana"])).code == "config-invalid"


def test_a_missing_package_is_named_with_its_fix() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; import deputize.otel"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "deputize.otel needs the API of OpenTelemetry: pip install 'deputize[otel]'" in done.stderr
