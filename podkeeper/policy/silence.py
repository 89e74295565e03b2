"""Has a watcher that still runs stopped watching?"""

from __future__ import annotations


def is_silent(
    last_sign_age_s: float | None, running_s: float | None, silence_s: float, grace_s: float
) -> bool:
    """Return whether a watcher is to be replaced although its process lives.

    Args:
        last_sign_age_s: Age of its last sign of life; None where there was none in this life.
        running_s: How long its process has run; None while none does.
        silence_s: Longest age that is still fine.
        grace_s: Time it has after its start before its silence counts.
    """
    if running_s is None or running_s < grace_s:
        return False
    return last_sign_age_s is None or last_sign_age_s > silence_s
