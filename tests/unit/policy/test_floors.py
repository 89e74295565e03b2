"""What a program holds at least, checkpoint by checkpoint."""

from __future__ import annotations

from podkeeper.policy.floors import Floor, above_level, highest, lowered, span


def test_a_floor_is_the_least_of_its_block_and_checkpoint() -> None:
    """Larger readings are dropped, other checkpoints have a floor of their own."""
    floors = ()
    for block, checkpoint, held in [(0, "a", 30), (0, "a", 20), (0, "b", 9), (0, "a", 25)]:
        floors = lowered(floors, Floor(block, checkpoint, held), 3)
    assert {(floor.checkpoint, floor.held_bytes) for floor in floors} == {("a", 20), ("b", 9)}


def test_old_blocks_are_forgotten() -> None:
    """The newest three are remembered, counted over blocks in which nothing was read."""
    floors = ()
    for block in (0, 1, 3):
        floors = lowered(floors, Floor(block, "a", 10), 3)
    assert [floor.block for floor in floors] == [1, 3]
    assert span(floors) == 3
    assert span(()) == 0


def test_a_block_is_as_high_as_its_lowest_checkpoint_above_its_level() -> None:
    """One that was seen in one block only has no level, and says nothing."""
    floors = (
        Floor(0, "a", 100),
        Floor(0, "b", 510),
        Floor(1, "b", 500),
        Floor(1, "a", 140),
        Floor(2, "a", 100),
        Floor(2, "b", 500),
        Floor(3, "c", 9000),
    )
    assert sorted(above_level(floors, 0.0)) == [(0, 0.0), (1, 0.0), (2, 0.0)]


def test_the_highest_checkpoint_has_grown_since_it_was_seen() -> None:
    """By the end of the newest block, at the rate of all."""
    floors = (Floor(0, "large", 1000), Floor(4, "small", 100))
    assert highest(floors, 10.0) == 1050.0
