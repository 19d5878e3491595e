"""Records in the forms of other systems: the table, and CloudEvents as their own package reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from conftest import SERVER, Story, denied, refused
from deputize.export import to_act, to_cloud_event, to_ocsf, to_telemetry

VECTORS = Path(__file__).parents[2] / "tests" / "vectors" / "export.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


def parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)


@pytest.mark.parametrize("read", [str, json.loads], ids=["text", "dict"])
def test_every_record_has_the_forms_that_the_table_says(read: Callable[[str], Any]) -> None:
    assert len(CASES) > 20
    for case in CASES:
        record, place = read(case["record"]), (case["origin"], case["sequence"])
        assert to_act(record) == parsed(case["act"])
        assert to_cloud_event(record, *place) == parsed(case["cloud_event"])
        assert to_ocsf(record, *place) == parsed(case["ocsf"])
        assert to_telemetry(record) == parsed(case["telemetry"])


def test_the_package_of_cloudevents_reads_every_event() -> None:
    for case in CASES:
        event = JSONFormat().read(CloudEvent, case["cloud_event"])
        assert (event.get_specversion(), event.get_id()) == ("1.0", f"{case['origin']}#{case['sequence']}")
        assert event.get_type() == "dev.deputize." + json.loads(case["record"])["kind"]
        assert event.get_data() == json.loads(case["record"])


def test_what_a_verifier_records_has_every_form(story: Story) -> None:
    chain = story.chain({"deploy": {}})
    verifier = story.verifier()
    proof = story.coder.prove(chain, "deploy", {}, SERVER)
    allowed = verifier.authorize(proof, "deploy", {})
    claims = to_act(allowed.record)
    assert claims is not None
    assert claims["act"]["name"] == "coder"
    assert claims["act"]["act"] == {"name": "planner", "sub": story.planner.did}
    event = to_ocsf(allowed.record, "calls", 1)
    assert event is not None
    assert (event["ai_agent"]["uid"], event["actor"]["user"]) == (story.coder.did, {"name": "ana"})
    assert event["time"] == allowed.record.time_ms
    again = denied(lambda: verifier.authorize(proof, "deploy", {}))
    assert to_telemetry(again.record)["attributes"]["error.type"] == "proof-replayed"


@pytest.mark.parametrize("record", ["", "{}[]", {"kind": 1}, {"kind": object()}, {}, 7, None, b"{}"])
def test_what_is_no_record_is_malformed(record: Any) -> None:
    assert refused(lambda: to_cloud_event(record, "calls", 1)).code == "malformed"


def test_an_entry_has_an_origin_and_a_sequence() -> None:
    record = CASES[0]["record"]
    assert refused(lambda: to_ocsf(record, 7, 1)).code == "name-invalid"  # type: ignore[arg-type]
    assert refused(lambda: to_ocsf(record, "calls", -1)).code == "config-invalid"
    assert refused(lambda: to_cloud_event(record, "", 1)).code == "malformed"
