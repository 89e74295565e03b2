"""What does supervisord's exit code say?

As it comes, supervisord exits 0 whatever happened, and a platform that looks at exit codes takes a
worker that gave up for one that is done. The keeper sets the code before it ends the worker.
"""

from __future__ import annotations

import atexit
import os
import sys


class ExitCode:
    """The code this process ends with; 0 unless somebody says otherwise."""

    def __init__(self) -> None:
        self.code = 0

    def attach(self) -> None:
        """Let the process end with the code.

        To be called before anything else registers with atexit: what is registered last runs
        first, and nothing runs after this.
        """
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self.code:
            sys.stderr.flush()
            os._exit(self.code)
