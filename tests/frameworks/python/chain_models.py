"""A scripted model of LangChain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage

SEEN: list[str] = []


class Model(GenericFakeChatModel):
    """Says what it is told to; keeps what it was shown."""

    def bind_tools(self, tools: Any, **options: Any) -> Model:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> Any:
        SEEN.append(repr(messages))
        return super()._generate(messages, *args, **options)


def calls(*wanted: tuple[str, dict[str, Any]], first: int = 1) -> AIMessage:
    made = [
        {"name": name, "args": args, "id": f"call_{number}", "type": "tool_call"}
        for number, (name, args) in enumerate(wanted, first)
    ]
    return AIMessage(content="", tool_calls=made)


def script(*messages: Any) -> Model:
    """A model that gives these, and is done from then on."""

    def said() -> Iterator[Any]:
        yield from messages
        while True:
            yield AIMessage(content="done")

    return Model(messages=said())
