"""Where is the platform of the running worker, and which key opens it?

Covers: from a URL that was given, or the plan in the runtime folder, to a client.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from podkeeper.errors import PodkeeperError
from podkeeper.settings import folders, load, plan
from podkeeper.sim.platform.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.platform import PlatformSettings

KEY_VARIABLE = "RUNPOD_AI_API_KEY"


class NoPlatformError(PodkeeperError):
    """There is no platform to be found."""


def url_of(chosen: PlatformSettings) -> str:
    """Return an endpoint's URL as one on the same machine reaches it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(chosen.address, chosen.address)  # noqa: S104 - a server's "any" is no place to go to
    return f"http://{host}:{chosen.port}/v2/{chosen.endpoint}"


def _full(url: str, endpoint: str) -> str:
    """Return an endpoint's URL, where only the platform's own may have been given."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NoPlatformError(f"cannot reach {url}: expected a URL such as http://127.0.0.1:3090")
    return url if "/v2/" in parts.path else f"{url.rstrip('/')}/v2/{endpoint}"


def key_in(runtime_dir: Path) -> str | None:
    """Return the key the platform was started with; None where it has none.

    Raises:
        NoPlatformError: The file is there, and not ours to read or no JSON object.
    """
    path = runtime_dir / "private" / "platform.json"
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise NoPlatformError(f"cannot read the key in {path}: {error}") from error
    return found.get(KEY_VARIABLE) or None if isinstance(found, dict) else None


def find(environ: Mapping[str, str], url: str | None = None, config: Path | None = None) -> Client:
    """Return a client for the URL, or for the worker that runs on this machine.

    The key is the environment's where it has one, else the running worker's own; that one goes to
    no other place than its platform.

    Raises:
        PodkeeperError: The settings are of no use, or no worker runs and no URL was given.
    """
    settings = load.load(load.Source(environ=environ, config=config)).settings
    key = environ.get(KEY_VARIABLE) or settings.runpod.api_key or None
    runtime_dir = folders.runtime_dir(settings, environ)
    file = Path(environ.get("PODKEEPER_PLAN") or runtime_dir / plan.FILE_NAME)
    if not file.exists():
        if url is None:
            raise NoPlatformError(f"cannot find a running worker: no {file}; name one by --url")
        return Client(_full(url, settings.platform.endpoint), key)
    chosen = plan.read(file).settings.platform
    full = url_of(chosen) if url is None else _full(url, chosen.endpoint)
    own = full == url_of(chosen)
    return Client(full, key or (key_in(file.parent) if own else None))
