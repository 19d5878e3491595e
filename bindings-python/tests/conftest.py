"""Fixtures: three agents, a verifier, and a chain from the first to the third."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from deputize import Agent, Chain, Denied, DeputizeError, Verifier

SERVER = "https://tools.acme.example"


@dataclass
class Story:
    ana: Agent
    planner: Agent
    coder: Agent

    def chain(self, tools: dict[str, Any], **options: Any) -> Chain:
        """From ana to the coder by way of the planner."""
        root = self.ana.issue(to=self.planner, tools=tools, reason="a test", **options)
        return self.planner.delegate(root, to=self.coder)

    def verifier(self, **options: Any) -> Verifier:
        return Verifier(trust=[self.ana], audience=SERVER, **options)


@pytest.fixture
def story() -> Story:
    return Story(Agent.generate("ana"), Agent.generate("planner"), Agent.generate("coder"))


def denied(call: Callable[[], object]) -> Denied:
    with pytest.raises(Denied) as caught:
        call()
    assert caught.value.record.code == caught.value.code
    assert caught.value.record.allowed is False
    return caught.value


def refused(call: Callable[[], object]) -> DeputizeError:
    with pytest.raises(DeputizeError) as caught:
        call()
    assert caught.value.help
    return caught.value


def outcome(call: Callable[[], object]) -> str:
    """The code of the refusal, or `allowed`."""
    try:
        call()
    except DeputizeError as error:
        return error.code
    return "allowed"
