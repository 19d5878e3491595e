"""Asking whoever approves: on the terminal, or by a function of one's own. Only a literal yes signs anything."""

from __future__ import annotations

import contextvars
import math
import os
import select
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, final

from deputize import _native
from deputize._native import Approval, ApprovalRequest
from deputize.agent import Agent
from deputize.errors import DeputizeError, UnsupportedOperation

__all__ = ["Approver"]

_MOST = 3600.0
_ANSWERS = {"yes": True, "no": False}


@final
class Approver:
    """Shows requests to a person, and signs what the person decides with an agent's key.

    ``ask`` is a function of the :class:`ApprovalRequest`, which shows ``request.text`` and answers ``True`` or
    ``False``. Anything else, an exception, and no answer within ``timeout`` seconds sign nothing and raise
    ``approval-required``. Without ``ask`` the question is on the terminal that controls the process, and the answer is
    ``yes`` or ``no``. The function runs in a thread of its own. What is signed lives for ``ttl``, five minutes unless
    told otherwise.
    """

    __slots__ = ("__agent", "__ask", "__timeout", "__ttl")

    def __init__(
        self,
        agent: Agent,
        ask: Callable[[ApprovalRequest], bool] | None = None,
        *,
        timeout: float = 120.0,
        ttl: int | str | None = None,
    ) -> None:
        if type(agent) is not Agent:
            raise _native.make_error("config-invalid", "an Approver signs with an Agent, not", type(agent).__name__)
        if ask is not None and not callable(ask):
            raise _native.make_error("config-invalid", "ask: a function of the request, not", type(ask).__name__)
        if type(timeout) not in (int, float) or not math.isfinite(timeout) or not 0 < timeout <= _MOST:
            raise _native.make_error("config-invalid", "timeout: more than 0 and at most 3,600 seconds")
        self.__agent = agent
        self.__ask = ask
        self.__timeout = float(timeout)
        self.__ttl = ttl

    def __init_subclass__(cls, **kwargs: Any) -> NoReturn:
        raise TypeError("Approver cannot be subclassed")

    def decide(self, request: ApprovalRequest) -> Approval:
        """Asks, and signs the answer: an approval, or a denial."""
        if type(request) is not ApprovalRequest:
            raise _native.make_error("malformed", "request: an ApprovalRequest, not", type(request).__name__)
        answer = _on_terminal(request, self.__timeout) if self.__ask is None else self.__asked(request, self.__ask)
        if answer is True:
            return self.__agent.approve(request, ttl=self.__ttl)
        if answer is False:
            return self.__agent.deny(request, ttl=self.__ttl)
        if isinstance(answer, Coroutine):
            answer.close()
        raise _undecided("the answer is neither True nor False but", type(answer).__name__)

    def __asked(self, request: ApprovalRequest, ask: Callable[[ApprovalRequest], object]) -> object:
        """The answer of the function, if it comes in time."""
        answers: list[object] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(ask(request))
            except BaseException as error:
                errors.append(error)

        # A thread that hangs does not keep the program from ending.
        thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
        thread.start()
        thread.join(self.__timeout)
        if errors and not isinstance(errors[0], Exception):
            raise errors[0]
        if errors:
            raise _undecided("asking failed with", type(errors[0]).__name__) from errors[0]
        if not answers:
            raise _undecided("there was no answer in time")
        return answers[0]

    def __repr__(self) -> str:
        return f"Approver({self.__agent.name!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        error = _native.make_error("config-invalid", "not copied or pickled, because it holds a key:", "Approver")
        raise UnsupportedOperation(error.code, str(error), error.link, error.context, error.help)


def _undecided(what: str, name: str | None = None) -> DeputizeError:
    return _native.make_error("approval-required", what, name)


def _on_terminal(request: ApprovalRequest, timeout: float) -> bool:
    """Asks on the terminal that controls the process, whatever its input and output are."""
    try:
        import termios

        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except (ImportError, OSError) as error:
        raise _undecided("there is no terminal to ask on") from error
    try:
        _write(terminal, f"\n{request.text}approve? yes or no: ")
        # What was typed before the question was there does not answer it.
        termios.tcflush(terminal, termios.TCIFLUSH)
        line = _read_line(terminal, time.monotonic() + timeout)
    except OSError as error:
        raise _undecided("the terminal does not answer") from error
    finally:
        os.close(terminal)
    answer = _ANSWERS.get(line.strip())
    if answer is None:
        raise _undecided("the answer is neither yes nor no")
    return answer


def _write(terminal: int, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(terminal, data) :]


def _read_line(terminal: int, deadline: float) -> str:
    line = b""
    while b"\n" not in line:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            raise _undecided("there was no answer in time")
        read = os.read(terminal, 256)
        if not read or len(line) > 256:
            raise _undecided("the answer is neither yes nor no")
        line += read
    return line.decode("utf-8", "replace")
