"""What can the simulated WebUI be told to do wrong from its start, in the words of a setting?"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from podkeeper.settings.kinds import WORDS

#: A fault by its name, with parameters if need be, as in `die:after_jobs=2:at_progress=0.3`.
SimFault = Annotated[
    str,
    Meta(
        pattern="^(slow_start|never_ready|die_at_start|html_errors|hang|die|oom|leak|cache|fill)"
        "(:[a-z_]+=[A-Za-z0-9.]+)*$",
        extra={
            WORDS: "a fault's name with its parameters: slow_start, never_ready, die_at_start, "
            'html_errors, hang, die, oom, leak, cache or fill, such as "die:after_jobs=2"'
        },
    ),
]
