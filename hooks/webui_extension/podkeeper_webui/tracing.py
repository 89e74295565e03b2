"""Which places in the code allocate what stays?

Covers: a trace of Python's own allocations over a short span. Tensors are not among them: their
memory is torch's, and `cuda` counts it.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

from .host import MissingError


def trace(span_s: float, top: int) -> dict[str, Any]:
    """Trace for `span_s` and return the `top` places by the bytes that they still hold then.

    Raises:
        MissingError: Something else traces already.
    """
    if tracemalloc.is_tracing():
        raise MissingError("something else traces allocations already")
    tracemalloc.start()
    try:
        time.sleep(span_s)
        held_bytes, peak_bytes = tracemalloc.get_traced_memory()
        found = tracemalloc.take_snapshot().statistics("lineno")[:top]
    finally:
        tracemalloc.stop()
    return {
        "span_s": span_s,
        "held_bytes": held_bytes,
        "peak_bytes": peak_bytes,
        "sites": [
            {
                "file": each.traceback[0].filename,
                "line": each.traceback[0].lineno,
                "bytes": each.size,
                "count": each.count,
            }
            for each in found
        ],
    }
