"""One image for the session, one running worker for each module."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from worker_container import Container, Engine, wait_for

Start = Callable[..., Container]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and give it the time that starts of whole workers take."""
    for item in items:
        item.add_marker(pytest.mark.container)
        item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return the engine of this machine."""
    return Engine()


@pytest.fixture(scope="session")
def image() -> str:
    """Return the image under test; `make test-container` builds it and names it here."""
    name = os.environ.get("PODKEEPER_IMAGE")
    if not name:
        pytest.fail("cannot choose an image: PODKEEPER_IMAGE is not set; run make test-container")
    return name


@pytest.fixture(scope="module")
def start(engine: Engine, image: str) -> Iterator[Start]:
    """Return how to start a worker; it is removed when the module ends, whatever happened."""
    with ExitStack() as started:

        def start_one(memory: str = "2g", **environment: str) -> Container:
            container = Container(engine, image, environment, memory)
            started.callback(container.remove)
            return container

        yield start_one


@pytest.fixture(scope="module")
def worker(start: Start) -> Container:
    """Return a worker that is ready for jobs."""
    container = start()
    wait_for("the worker to be ready", container.ready, container)
    return container
