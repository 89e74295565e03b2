"""The descriptions of settings: from our own file, complete, and the same everywhere."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from podkeeper.paths import conf_dir
from podkeeper.settings import describe, layers
from podkeeper.settings.schema import leaf_types

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.fixture
def validator() -> jsonschema.Draft202012Validator:
    """Return what checks a settings file against our schema."""
    schema = describe.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_defaults_and_the_types_have_the_same_settings() -> None:
    """No setting lacks a default, and no default lacks a type."""
    assert set(describe.described()) == set(leaf_types())


def test_every_setting_is_explained() -> None:
    """The comment above each key says what it is for."""
    bare = [path for path, each in describe.described().items() if len(each.comment) < 15]
    assert bare == []


def test_a_comment_belongs_to_the_key_below_it() -> None:
    """Several lines are one comment, and a blank line ends it."""
    text = "# Not this.\n\n[a]\n# One\n# two.\nb = 1\nc = 2\n"
    assert describe.comments(text) == {"a.b": "One two.", "a.c": ""}


@pytest.mark.parametrize(
    "file", [conf_dir() / "defaults.toml", *sorted((conf_dir() / "profiles").glob("*.toml"))]
)
def test_what_ships_follows_the_schema(
    file: Path, validator: jsonschema.Draft202012Validator
) -> None:
    """The defaults and each profile are valid by the schema that editors get."""
    validator.validate(layers.read_toml(file))


@pytest.mark.parametrize(
    "table",
    [
        {"webui": {"port": 70000}},
        {"webui": {"prot": 3000}},
        {"webiu": {}},
        {"logs": {"level": "loud"}},
        {"logs": {"max_bytes": "lots"}},
        {"logs": {"max_bytes": 0}},
        {"watchdog": {"period_s": "soon"}},
        {"webui": {"memory_soft": "many"}},
        {"webui": {"memory_soft": -1}},
        {"memory": {"release_ratio": 1.5}},
        {"webui": {"environment": {"A": 1}}},
        {"sim_webui": {"faults": ["dye"]}},
        {"sim_webui": {"real_ram": "yes"}},
    ],
)
def test_the_schema_refuses_what_loading_refuses(
    table: dict[str, dict[str, object]], validator: jsonschema.Draft202012Validator
) -> None:
    """An editor underlines what the start would refuse."""
    assert not validator.is_valid(table)


@pytest.mark.parametrize(
    "table",
    [
        {"logs": {"max_bytes": "1.5 GiB"}},
        {"logs": {"max_bytes": 1024}},
        {"webui": {"memory_soft": "85%"}},
        {"watchdog": {"period_s": "250ms"}},
        {"memory": {"release_ratio": "90%"}},
    ],
)
def test_the_schema_takes_quantities_as_people_write_them(
    table: dict[str, dict[str, object]], validator: jsonschema.Draft202012Validator
) -> None:
    """Sizes, spans and shares are texts or numbers."""
    validator.validate(table)


def test_no_settings_name_looks_like_a_secret_file() -> None:
    """`…_FILE` variables stand for files of secrets, so no setting may end like that."""
    assert [path for path in leaf_types() if path.endswith("_file") and "state" not in path] == []


@pytest.mark.skipif(not DOCS.is_file(), reason="the documents are beside the tests in a tree only")
def test_the_page_of_settings_is_up_to_date() -> None:
    """docs/settings.md is what `make docs` writes."""
    assert DOCS.read_text(encoding="utf-8") == describe.page()
