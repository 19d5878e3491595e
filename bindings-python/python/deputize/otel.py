"""Deputize in OpenTelemetry: what an audit sink records, as telemetry too.

    telemetry = deputize.otel.audit(AuditLog("calls.log"))
    verifier = Verifier(trust=[ana], audience="…", audit=telemetry, clock=telemetry.clock)

The names are those of docs/spec/export.md. Trace context travels in the ``_meta`` of MCP by the MCP SDK itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from threading import Lock
from typing import Any

try:
    from opentelemetry import metrics, trace
except ImportError as _missing:
    raise ImportError("deputize.otel needs the API of OpenTelemetry: pip install 'deputize[otel]'") from _missing
try:
    from opentelemetry import _logs as logs
except ImportError:  # an API from before there were logs
    logs = None  # type: ignore[assignment]

from deputize import _native
from deputize._native import AuditEvent, AuditRecord, TrustState
from deputize.export import to_telemetry

__all__ = ["Audit", "audit"]

_SCOPE = "deputize"
#: The most requests for approval that are remembered as waiting, and for how long.
_MAX_WAITING = 10_000
_WAITING_SECONDS = 3600.0
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_began: ContextVar[float | None] = ContextVar("deputize_decision_began", default=None)


def audit(
    sink: Callable[[Any], object] | None = None,
    *,
    state: TrustState | None = None,
    authorities: Sequence[str] = (),
    clock: Callable[[], int] | None = None,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    logger_provider: Any = None,
) -> Audit:
    """An audit sink that hands each record to another, and to OpenTelemetry what it took. What the other refuses stays
    refused; what goes wrong with telemetry changes nothing.

    ``state`` and ``authorities``: whose revocation lists the gauge of their age is about. ``clock`` is the verifier's
    own, for ``Audit.clock``. The providers are the global ones unless given.
    """
    return Audit(sink, state, authorities, clock, tracer_provider, meter_provider, logger_provider)


class Audit:
    """See :func:`audit`."""

    def __init__(
        self,
        sink: Callable[[Any], object] | None,
        state: TrustState | None,
        authorities: Sequence[str],
        clock: Callable[[], int] | None,
        tracer_provider: trace.TracerProvider | None,
        meter_provider: metrics.MeterProvider | None,
        logger_provider: Any,
    ) -> None:
        for name, given in (("sink", sink), ("clock", clock)):
            if given is not None and not callable(given):
                raise _native.make_error("config-invalid", f"{name}: a function, not", type(given).__name__)
        if authorities and state is None:
            raise _native.make_error("config-invalid", "authorities are of a TrustState:", "state")
        self.__sink = sink
        self.__state = state
        self.__authorities = tuple(authorities)
        self.__clock = clock
        self.__tracer = trace.get_tracer(_SCOPE, _native.__version__, tracer_provider)
        self.__logger = None if logs is None else logs.get_logger(_SCOPE, _native.__version__, logger_provider)
        self.__waiting: OrderedDict[tuple[Any, ...], float] = OrderedDict()
        self.__lock = Lock()
        meter = metrics.get_meter(_SCOPE, _native.__version__, meter_provider)
        self.__decisions = meter.create_counter("deputize.decisions", "{decision}", "Decisions, by decision and code")
        self.__replays = meter.create_counter("deputize.replays", "{call}", "Proofs that were sent again")
        self.__duration = meter.create_histogram(
            "deputize.decision.duration",
            "s",
            "From reading the clock to the record",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        meter.create_observable_gauge(
            "deputize.approvals.waiting",
            [self.__observe_waiting],
            "{request}",
            "Requests for approval without an answer",
        )
        if self.__authorities:
            meter.create_observable_gauge(
                "deputize.revocation.age", [self.__observe_age], "s", "Since a revocation list was accepted"
            )

    def clock(self) -> int:
        """The clock for a verifier, in milliseconds: from its reading on a decision is timed."""
        _began.set(time.perf_counter())
        return time.time_ns() // 1_000_000 if self.__clock is None else self.__clock()

    def __call__(self, record: AuditRecord | AuditEvent) -> object:
        """Hands on a record. What the other sink raises is raised."""
        began, now = _began.get(), time.perf_counter()
        _began.set(None)
        answer = None if self.__sink is None else self.__sink(record)
        if _native.puts_off(answer):
            # Nobody waits for it, so the record was not taken.
            return answer
        try:
            self.__tell(record, None if began is None else now - began)
        except Exception:
            # Telemetry is no condition of anything.
            return answer
        return answer

    def __tell(self, record: AuditRecord | AuditEvent, seconds: float | None) -> None:
        told = to_telemetry(record)
        attributes = told["attributes"]
        if told["event"] == "deputize.decision":
            few = {name: attributes[name] for name in ("deputize.decision", "deputize.code")}
            self.__decisions.add(1, few)
            if attributes["deputize.code"] == "proof-replayed":
                self.__replays.add(1)
            if seconds is not None:
                self.__duration.record(seconds, few)
        self.__wait(told["event"], attributes)
        nanoseconds = record.time_ms * 1_000_000
        span = trace.get_current_span()
        if span.is_recording():
            span.add_event(told["event"], attributes, nanoseconds)
        else:
            span = self.__tracer.start_span(told["span"], attributes=attributes, start_time=nanoseconds)
            if told["status"] == "error":
                span.set_status(trace.StatusCode.ERROR, attributes.get("error.type"))
            span.end()
        if self.__logger is not None:
            self.__logger.emit(
                timestamp=nanoseconds,
                context=trace.set_span_in_context(span),
                severity_number=logs.SeverityNumber(told["severity"]["number"]),
                severity_text=told["severity"]["text"],
                body=record.sentence,
                attributes=attributes,
                event_name=told["event"],
            )

    def __wait(self, event: str, attributes: dict[str, Any]) -> None:
        """A call waits for approvals from its first denial on until somebody answers or it is allowed."""
        names = ("session", "audience", "arguments.digest")
        call = (attributes.get("gen_ai.tool.name"), *(attributes.get(f"deputize.{name}") for name in names))
        with self.__lock:
            if event in ("deputize.approved", "deputize.refused") or attributes.get("deputize.decision") == "allow":
                self.__waiting.pop(call, None)
            elif attributes.get("deputize.code") == "approval-required":
                self.__waiting.setdefault(call, time.monotonic())
                if len(self.__waiting) > _MAX_WAITING:
                    self.__waiting.popitem(last=False)

    def __observe_waiting(self, _options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        oldest = time.monotonic() - _WAITING_SECONDS
        with self.__lock:
            while self.__waiting and next(iter(self.__waiting.values())) < oldest:
                self.__waiting.popitem(last=False)
            return [metrics.Observation(len(self.__waiting))]

    def __observe_age(self, _options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        now = time.time() if self.__clock is None else self.__clock() / 1000
        for authority in self.__authorities:
            held = None if self.__state is None else self.__state.held(authority)
            if held is not None:
                yield metrics.Observation(max(0.0, now - held["accepted_ms"] / 1000), {"deputize.authority": authority})
