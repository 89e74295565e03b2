"""How are calls and answers of XML-RPC written?

Covers: as much of it as supervisord speaks: text, whole numbers, booleans, arrays and structures.
Leaves out: carrying them (`podkeeper.loopback`), which methods there are (`podkeeper.supervisord`).
The standard library's client would be a tenth of a resident program's memory: it brings along mail
parsers, compression and decimals.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat


class FaultError(Exception):
    """The other side refused the call."""

    def __init__(self, code: int, words: str) -> None:
        self.code = code
        super().__init__(words)


class NotXmlRpcError(ValueError):
    """What came is no answer of XML-RPC."""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return f"<value><boolean>{value:d}</boolean></value>"
    if isinstance(value, int):
        return f"<value><int>{value}</int></value>"
    if isinstance(value, str):
        return f"<value><string>{_escaped(value)}</string></value>"
    raise TypeError(f"cannot write {type(value).__name__} as XML-RPC")


def call(method: str, arguments: tuple[object, ...]) -> bytes:
    """Return a call.

    Raises:
        TypeError: An argument is neither text nor a whole number nor a boolean.
    """
    params = "".join(f"<param>{_value(each)}</param>" for each in arguments)
    body = f"<methodName>{_escaped(method)}</methodName><params>{params}</params>"
    return f"<?xml version='1.0'?><methodCall>{body}</methodCall>".encode()


class _Reader:
    """Builds values from the elements of an answer."""

    def __init__(self) -> None:
        #: Values that are not yet part of another, and where each array or structure begins.
        self.values: list[Any] = []
        self._begins: list[int] = []
        self._text = ""
        #: Whether the value that is being read has an element that says its type.
        self._typed = False
        self.fault = False

    def start(self, name: str, _attributes: object) -> None:
        self._text = ""
        if name in ("array", "struct"):
            self._begins.append(len(self.values))
        self._typed = name != "value"
        self.fault = self.fault or name == "fault"

    def text(self, data: str) -> None:
        self._text += data

    def end(self, name: str) -> None:
        if name in ("int", "i4", "boolean"):
            number = int(self._text)
            self.values.append(bool(number) if name == "boolean" else number)
        elif name in ("string", "name") or (name == "value" and not self._typed):
            self.values.append(self._text)
        elif name in ("array", "struct"):
            begin = self._begins.pop()
            inner, self.values[begin:] = self.values[begin:], []
            pairs = dict(zip(inner[::2], inner[1::2], strict=True)) if name == "struct" else inner
            self.values.append(pairs)
        self._text, self._typed = "", True


def answer(data: bytes) -> Any:
    """Return the value of an answer.

    Raises:
        FaultError: It says that the call was refused.
        NotXmlRpcError: It is no such answer.
    """
    reader, parser = _Reader(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)  # noqa: FBT003 - its API
        (value,) = reader.values
        if reader.fault:
            raise FaultError(int(value["faultCode"]), str(value["faultString"]))
    except (expat.ExpatError, ValueError, KeyError, TypeError) as error:
        raise NotXmlRpcError(f"no XML-RPC answer: {error}") from error
    return value
