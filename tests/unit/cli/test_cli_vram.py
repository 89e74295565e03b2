"""`podkeeper vram`, as it is typed."""

from __future__ import annotations

import pytest

from podkeeper.cli import main


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, list[str]]]:
    """Return the exit code and the words of each size's row."""
    code = main(["vram", *words])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    sizes = [line for line in lines if line and line[0][0].isdigit()]
    return code, {line[0]: line[1:] for line in sizes}


def test_a_size_has_its_largest_batch_and_its_need(capsys: pytest.CaptureFixture[str]) -> None:
    """Small sizes fit in large batches, larger ones in smaller, the largest not at all."""
    code, table = rows(capsys, "sd15", "8GiB")
    assert code == 0
    assert table["512x512"][:2] == ["yes", "16"]
    assert table["768x768"][:2] == ["yes", "8"]
    assert table["1024x1024"][:2] == ["perhaps", "1"]
    assert table["2048x2048"][:2] == ["no", "-"]
    assert all(each[-1].endswith("GiB") for each in table.values())


def test_what_is_added_to_a_job_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """A hires pass, networks and full precision need more; medvram needs less."""
    _, plain = rows(capsys, "sdxl", "12GiB")
    for more in (["--hires", "2"], ["--controlnets", "2"], ["--loras", "2"], ["--no-half"]):
        _, table = rows(capsys, "sdxl", "12GiB", *more)
        assert table["768x768"] != plain["768x768"]
    _, lean = rows(capsys, "sdxl", "12GiB", "--medvram")
    assert lean["1024x1024"][0] == "yes"
    assert plain["1024x1024"][0] == "perhaps"
    for decoder in ("tiny", "tiled"):
        _, small = rows(capsys, "sdxl", "12GiB", "--decoder", decoder)
        assert small["1024x1024"][0] == "yes"


def test_the_reserve_of_the_settings_is_left_free(capsys: pytest.CaptureFixture[str]) -> None:
    """A larger planning.reserve leaves room for less."""
    _, table = rows(capsys, "sd15", "8GiB", "--set", "planning.reserve=4GiB")
    assert table["768x768"][0] != "yes"


def test_a_card_on_which_nothing_fits_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts can tell by the exit code."""
    assert rows(capsys, "sdxl", "4GiB")[0] == 1


def test_a_card_that_is_no_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line names what is allowed."""
    with pytest.raises(SystemExit) as caught:
        main(["vram", "sd15", "much"])
    assert caught.value.code == 2
    assert '"6GiB"' in capsys.readouterr().err
