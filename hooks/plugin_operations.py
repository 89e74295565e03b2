"""Which XML-RPC methods does an operator have beside supervisord's own?

Orders are left for the keeper, which alone acts; questions are answered from what lies on disk.
Leaves out: keeping orders (`hooks.plugin_orders`), finding answers (`hooks.plugin_answers`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from supervisor.rpcinterface import RPCError
from supervisor.xmlrpc import Faults

from hooks.plugin_answers import AnswerError, Answers
from hooks.plugin_orders import NAMES, Orders

if TYPE_CHECKING:
    from collections.abc import Callable


def _answer(ask: Callable[[], Any]) -> str:
    """Return an answer as JSON; one that there is not is a fault for who asked."""
    try:
        return json.dumps(ask())
    except AnswerError as error:
        raise RPCError(Faults.FAILED, str(error)) from error


class Operations:
    """The methods of `podkeeper.*` for operators."""

    def __init__(self, plan_path: str) -> None:
        self._orders = Orders()
        self._answers = Answers(plan_path)

    def order(self, name: str, argument: str) -> str:
        """Leave an order for the keeper, which alone acts on programs.

        @param string name   drain, resume, restart, restart_when_idle, reload or reload_now
        @param string argument   the program to restart, else empty
        @return string result   the order's number: longer than XML-RPC's int
        """
        if name not in NAMES:
            raise RPCError(Faults.INCORRECT_PARAMETERS, f"no such order: {name}")
        return str(self._orders.give(name, argument))

    def orders(self, after: str) -> str:
        """Return the orders with a number above a number, as JSON.

        @param string after   the last number already known, -1 for all
        @return string result
        """
        return json.dumps(self._orders.after(int(after)))

    def drain(self) -> str:
        """Take no more jobs, once those in hand are finished, until `resume`.

        @return string result   the order's number
        """
        return self.order("drain", "")

    def resume(self) -> str:
        """Take jobs again.

        @return string result   the order's number
        """
        return self.order("resume", "")

    def incidents(self, limit: int) -> str:
        """Return this start's newest incidents as JSON.

        @param int limit   at most so many
        @return string result
        """
        return _answer(lambda: self._answers.incidents(limit))

    def explain(self, number: int) -> str:
        """Return one incident with all there is to it as JSON; null where there is none.

        @param int number   the incident's id
        @return string result
        """
        return _answer(lambda: self._answers.incident(number))

    def resources(self) -> str:
        """Return the watchdog's newest snapshot and the limits as JSON.

        @return string result
        """
        return _answer(self._answers.resources)

    def budget(self) -> str:
        """Return each program's restart budget, and the memory to plan with, as JSON.

        @return string result
        """
        return _answer(self._answers.budget)
