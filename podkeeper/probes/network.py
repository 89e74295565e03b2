"""How much has come and gone over the network?"""

from __future__ import annotations

from pathlib import Path

from podkeeper.model.snapshot import Network
from podkeeper.probes import files

# Columns of /proc/net/dev after the interface's name.
_RECEIVED, _SENT, _COLUMNS = 0, 8, 16


def network(root: Path = Path("/")) -> Network:
    """Return bytes received and sent by all interfaces but loopback, since they came up.

    Same as the sums of `cat /proc/net/dev`, or of `ip -s link`.
    """
    content = files.read(f"{root}/proc/self/net/dev")
    if content is None:
        return Network(received_bytes=None, sent_bytes=None)
    received_bytes = sent_bytes = 0
    for line in content.splitlines():
        name, _, rest = line.partition(b":")
        columns = rest.split()
        if len(columns) >= _COLUMNS and name.strip() != b"lo":
            received_bytes += int(columns[_RECEIVED])
            sent_bytes += int(columns[_SENT])
    return Network(received_bytes=received_bytes, sent_bytes=sent_bytes)
