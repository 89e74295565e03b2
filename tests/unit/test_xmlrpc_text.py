"""Calls and answers of XML-RPC, beside the standard library's."""

from __future__ import annotations

import xmlrpc.client

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper import xmlrpc_text
from podkeeper.xmlrpc_text import FaultError, NotXmlRpcError

#: What XML can carry: no control characters but tab and line end; a carriage return becomes one.
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n")
)
numbers = st.integers(-(2**31), 2**31 - 1)
plain = texts | numbers | st.booleans()
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)


@given(texts.filter(bool), st.lists(plain, max_size=4))
def test_a_call_is_read_as_it_was_meant(method: str, arguments: list[str | int]) -> None:
    """Supervisord reads with the standard library."""
    found, name = xmlrpc.client.loads(xmlrpc_text.call(method, tuple(arguments)))
    assert (list(found), name) == (arguments, method)
    assert [type(each) for each in found] == [type(each) for each in arguments]


@given(values)
def test_an_answer_is_read_as_it_was_meant(value: object) -> None:
    """Supervisord writes with the standard library."""
    data = xmlrpc.client.dumps((value,), methodresponse=True).encode()
    assert xmlrpc_text.answer(data) == value


def test_text_without_a_type_is_text() -> None:
    """The protocol allows it."""
    bare = (
        b"<methodResponse><params><param><value>a &amp; b</value></param></params></methodResponse>"
    )
    assert xmlrpc_text.answer(bare) == "a & b"


@given(numbers, texts)
def test_a_refusal_has_its_code_and_words(code: int, words: str) -> None:
    """It is no answer."""
    data = xmlrpc.client.dumps(xmlrpc.client.Fault(code, words)).encode()
    with pytest.raises(FaultError) as refused:
        xmlrpc_text.answer(data)
    assert (refused.value.code, str(refused.value)) == (code, words)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"<methodResponse/>",
        b"<methodResponse><fault><value><int>1</int></value></fault></methodResponse>",
        b"<methodResponse><params><param><value><int>x</int></value></param></params></methodResponse>",
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    """Nothing else escapes."""
    with pytest.raises(NotXmlRpcError):
        xmlrpc_text.answer(data)


def test_what_cannot_be_written_is_refused() -> None:
    """Nobody calls supervisord with it."""
    with pytest.raises(TypeError, match="float"):
        xmlrpc_text.call("method", (1.5,))
