"""How is a setting's value shown without giving a secret away?

Covers: what is masked, for complaints and for `config show`.
Leaves out: keeping secrets out of the plan (`settings.programs`) and out of processes
(`settings.private`).
"""

from __future__ import annotations

import re
from typing import Any

from podkeeper.settings.kinds import SECRET
from podkeeper.settings.schema import extra_of, leaf_types
from podkeeper.units import Amount

MASK = "(secret)"

# People put tokens into tables and misspell the names of settings: what sounds like a secret is
# one. Too much masked is a nuisance, too little a leak.
_SOUNDS_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)


def sounds_secret(name: str) -> bool:
    """Return whether a name is that of a secret, going by its sound."""
    return _SOUNDS_SECRET.search(name) is not None


def _entry(name: str, value: object, origin: str) -> object:
    return MASK if value and (sounds_secret(name) or "secret file" in origin) else value


def shown(path: str, value: Any, origin: str = "") -> Any:
    """Return the value as it may be printed: as it is, as people write it, or masked."""
    kind = leaf_types().get(path)
    secret = kind is not None and extra_of(kind).get(SECRET)
    unknown_secret = kind is None and sounds_secret(path)
    if value and (secret or unknown_secret or "secret file" in origin):
        return MASK
    if isinstance(value, dict):
        return {name: _entry(name, text, origin) for name, text in value.items()}
    return str(value) if isinstance(value, Amount) else value
