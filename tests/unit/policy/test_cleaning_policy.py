"""What goes first when a disk is short of room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy.cleaning import Candidate, Need, Rule, choose

NOW_S = 1000.0
RULES = (
    Rule("temporary", ("/tmp/a", "/tmp/b"), 10.0),
    Rule("models", ("/models",), 100.0),
)


def found(
    path: str,
    *,
    kind: str = "temporary",
    size_bytes: int = 100,
    inodes: int = 1,
    age_s: float = 500.0,
) -> Candidate:
    """Return a candidate."""
    return Candidate(path, kind, size_bytes, inodes, NOW_S - age_s)


def chosen(candidates: list[Candidate], need: Need, protected: tuple[str, ...] = ()) -> list[str]:
    """Return the paths of what goes."""
    return [each.path for each in choose(candidates, RULES, need, protected, NOW_S)]


def test_no_more_goes_than_is_needed() -> None:
    """It stops as soon as the need is met, the least recently used first."""
    candidates = [found(f"/tmp/a/{age}", age_s=age) for age in (20, 40, 30)]
    assert chosen(candidates, Need(150)) == ["/tmp/a/40", "/tmp/a/30"]
    assert chosen(candidates, Need(0)) == []
    assert chosen(candidates, Need(10_000)) == ["/tmp/a/40", "/tmp/a/30", "/tmp/a/20"]


def test_kinds_go_in_their_order() -> None:
    """An old model stays as long as a younger temporary file is enough."""
    candidates = [found("/models/old", kind="models", age_s=900), found("/tmp/b/x", age_s=11)]
    assert chosen(candidates, Need(100)) == ["/tmp/b/x"]
    assert chosen(candidates, Need(101)) == ["/tmp/b/x", "/models/old"]


def test_what_gives_nothing_back_stays() -> None:
    """A file with another name frees no bytes, an empty one only an inode."""
    candidates = [
        found("/tmp/a/linked", size_bytes=0, inodes=0),
        found("/tmp/a/empty", size_bytes=0),
        found("/tmp/a/full"),
    ]
    assert chosen(candidates, Need(100)) == ["/tmp/a/full"]
    assert chosen(candidates, Need(100, 2)) == ["/tmp/a/full", "/tmp/a/empty"]


def test_only_declared_kinds_below_their_folders_go() -> None:
    """Another kind, another folder, the folder itself and a path that climbs out stay."""
    candidates = [
        found("/tmp/a/x", kind="secrets"),
        found("/tmp/c/x"),
        found("/tmp/abc"),
        found("/tmp/a"),
        found("/tmp/a/../c/x"),
        found("/tmp/a//x"),
        found("/models/x"),
    ]
    assert chosen(candidates, Need(10_000)) == []


def test_what_is_young_stays() -> None:
    """The age of its kind counts; what is dated in the future is young."""
    ages = {"/tmp/a/old": 10.0, "/tmp/a/young": 9.9, "/tmp/a/future": -1e6}
    candidates = [found(path, age_s=age) for path, age in ages.items()]
    assert chosen(candidates, Need(10_000)) == ["/tmp/a/old"]


def test_what_is_protected_keeps_what_is_around_it() -> None:
    """A protected path stays, as do the folder it lies in and all that lies in it."""
    candidates = [found(f"/models/{name}", kind="models") for name in ("a", "b", "ab")]
    assert chosen(candidates, Need(10_000), ("/models/a/deep/blob", "/models/b")) == ["/models/ab"]
    assert chosen(candidates, Need(10_000), ("/models",)) == []


names = st.sampled_from(["x", "y", "z", "..", "", "x/y", "x/../y"])
folders = st.sampled_from(["/tmp/a", "/tmp/b", "/tmp", "/models", "/models/x", "/other", "/tmp/ab"])
paths = st.builds(lambda folder, name: f"{folder}/{name}", folders, names)
candidate_lists = st.lists(
    st.builds(
        Candidate,
        path=paths,
        kind=st.sampled_from(["temporary", "models", "unknown"]),
        size_bytes=st.integers(0, 50),
        inodes=st.integers(0, 2),
        used_at_s=st.floats(0, 2 * NOW_S),
    ),
    max_size=30,
)
needs = st.builds(Need, st.integers(-5, 400), st.integers(-2, 20))
BY_KIND = {rule.kind: rule for rule in RULES}


def is_allowed(each: Candidate, protected: set[str]) -> bool:
    """Return whether a candidate may go, said another way than the policy says it."""
    rule = BY_KIND.get(each.kind)
    if rule is None or NOW_S - each.used_at_s < rule.min_age_s:
        return False
    parts = each.path.split("/")[1:]
    if not all(parts) or ".." in parts:
        return False
    below = any(parts[: len(f.split("/")) - 1] == f.split("/")[1:] for f in rule.folders)
    deep = all(each.path != folder for folder in rule.folders)
    others = [path.split("/")[1:] for path in protected]
    free = all(parts[: len(other)] != other and other[: len(parts)] != parts for other in others)
    return below and deep and free


@given(candidates=candidate_lists, need=needs, protected=st.sets(paths, max_size=3))
def test_nothing_goes_that_may_not(
    candidates: list[Candidate], need: Need, protected: set[str]
) -> None:
    """Whatever is found and lacking: what is protected, young, outside or undeclared stays."""
    clean = {path for path in protected if ".." not in path and not path.endswith("/")}
    for each in choose(candidates, RULES, need, clean, NOW_S):
        assert is_allowed(each, clean)


@given(candidates=candidate_lists, need=needs)
def test_enough_goes_or_all_that_helps(candidates: list[Candidate], need: Need) -> None:
    """Either the need is met, and needed the last removal, or nothing is left that would help."""
    removed = choose(candidates, RULES, need, (), NOW_S)
    left = before_last = need
    for each in removed:
        assert not left.met
        before_last = left
        assert before_last.is_helped_by(each)
        left = left.less(each.size_bytes, each.inodes)
    if left.met:
        assert removed == [] or not before_last.met
    else:
        rest = list(candidates)
        for each in removed:
            rest.remove(each)
        assert not [each for each in rest if is_allowed(each, set()) and left.is_helped_by(each)]


@given(candidates=candidate_lists, need=needs)
def test_the_order_is_that_of_kinds_then_of_use(candidates: list[Candidate], need: Need) -> None:
    """No model goes before a temporary file, and none before one that was used longer ago."""
    removed = choose(candidates, RULES, need, (), NOW_S)
    order = [(list(BY_KIND).index(each.kind), each.used_at_s) for each in removed]
    assert order == sorted(order)
