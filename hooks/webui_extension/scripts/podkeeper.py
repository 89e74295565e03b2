"""Loaded by A1111 and Forge: hands podkeeper's part of the WebUI their script callbacks."""

from __future__ import annotations

from modules import script_callbacks
from podkeeper_webui import plug

plug.register(script_callbacks)
