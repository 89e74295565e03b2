"""Which verbs does podkeeper add to `supervisorctl`?

supervisorctl loads this as `[ctlplugin:podkeeper]`. Each verb asks the namespace `podkeeper.*` of
the supervisord that it speaks to, so whoever may use supervisorctl needs nothing else.
Leaves out: how the answers look (`podkeeper.console`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
from supervisor.compat import xmlrpclib
from supervisor.supervisorctl import ControllerPluginBase, LSBInitExitStatuses

from podkeeper.console import explain, means, text
from podkeeper.model.incident import Incident

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN = 20


class Verbs(ControllerPluginBase):  # type: ignore[misc]
    """The verbs and their help; the names are how supervisorctl finds them."""

    name = "podkeeper"

    def _ask(self, method: str, *values: object) -> Any:
        """Return an answer, or None after saying why there is none."""
        if not self.ctl.upcheck():
            return None
        try:
            return getattr(self.ctl.get_server_proxy("podkeeper"), method)(*values)
        except xmlrpclib.Fault as fault:
            self._refuse(f"podkeeper: ERROR ({fault.faultString})", LSBInitExitStatuses.GENERIC)
        return None

    def _refuse(self, said: str, status: int) -> None:
        self.ctl.output(said)
        self.ctl.exitstatus = status

    def _number(self, argument: str, default: int | None) -> int | None:
        """Return the one number of a verb, or None after showing how it is used."""
        words = argument.split() or ([] if default is None else [str(default)])
        if len(words) == 1 and words[0].isdecimal() and len(words[0]) < 10:  # noqa: PLR2004 - int32
            return int(words[0])
        return None

    def _usage(self, help_of: Callable[[], None]) -> None:
        self._refuse("podkeeper: ERROR (bad arguments)", LSBInitExitStatuses.INVALID_ARGS)
        help_of()

    def do_incidents(self, argument: str) -> None:
        """List what went wrong."""
        limit = self._number(argument, _SHOWN)
        if limit is None:
            self._usage(self.help_incidents)
            return
        answer = self._ask("incidents", limit)
        if answer is not None:
            self.ctl.output(text.incidents(msgspec.json.decode(answer, type=list[Incident])))

    def help_incidents(self) -> None:
        """Say how the verb is used."""
        self.ctl.output(f"incidents [N]\tThe newest N incidents of this start (default: {_SHOWN})")

    def do_explain(self, argument: str) -> None:
        """Tell the story of one incident."""
        number = self._number(argument, None)
        if number is None:
            self._usage(self.help_explain)
            return
        answer = self._ask("explain", number)
        if answer is None:
            return
        incident = msgspec.json.decode(answer, type=Incident | None)
        if incident is None:
            self._refuse(f"podkeeper: no incident {number}", LSBInitExitStatuses.GENERIC)
        else:
            self.ctl.output(explain.explain(incident))

    def help_explain(self) -> None:
        """Say how the verb is used."""
        self.ctl.output("explain ID\tWhat was seen, by which rule it was decided, what was done")

    def do_resources(self, argument: str) -> None:
        """Show what is used of what there is."""
        if argument.strip():
            self._usage(self.help_resources)
            return
        answer = self._ask("resources")
        if answer is not None:
            found = msgspec.json.decode(answer, type=means.Resources)
            self.ctl.output(means.resources(found, time.monotonic()))

    def help_resources(self) -> None:
        """Say how the verb is used."""
        self.ctl.output("resources\tMemory, processor, disks and GPUs, used and limited")

    def do_budget(self, argument: str) -> None:
        """Show what may still be spent."""
        if argument.strip():
            self._usage(self.help_budget)
            return
        answer = self._ask("budget")
        if answer is not None:
            self.ctl.output(means.budgets(msgspec.json.decode(answer, type=means.Budgets)))

    def help_budget(self) -> None:
        """Say how the verb is used."""
        self.ctl.output("budget\t\tRestarts spent and left, the next wait, memory to plan with")

    def do_drain(self, argument: str) -> None:
        """Take no more jobs."""
        if argument.strip():
            self._usage(self.help_drain)
        elif self._ask("drain") is not None:
            self.ctl.output(
                "podkeeper: draining; jobs in hand are finished, `resume` takes jobs again"
            )

    def help_drain(self) -> None:
        """Say how the verb is used."""
        self.ctl.output("drain\t\tFinish the jobs in hand and take no others until resume")

    def do_resume(self, argument: str) -> None:
        """Take jobs again."""
        if argument.strip():
            self._usage(self.help_resume)
        elif self._ask("resume") is not None:
            self.ctl.output("podkeeper: takes jobs again")

    def help_resume(self) -> None:
        """Say how the verb is used."""
        self.ctl.output("resume\t\tTake jobs again after drain")


def make_ctl(controller: Any, **_: str) -> Verbs:
    """Return the verbs for one supervisorctl."""
    return Verbs(controller)
