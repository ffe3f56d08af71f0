"""One province, one pair of sound cards and two brokers for all flows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.village import Village
from tests.rig.cards import Cards, start_cards

BROKERS = ("embedded", "mosquitto")
STORY_S = 400
"""The longest that a story may take on a busy machine; on an idle one it takes a quarter of it."""


@pytest.fixture(scope="session")
def cards() -> Iterator[Cards]:
    with start_cards("room", "dac") as started:
        yield started


@pytest.fixture(scope="session")
def village(cards: Cards, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    made = Village(tmp_path_factory.mktemp("village"), cards)
    try:
        made.make()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session", params=BROKERS)
def province(village: Village, request: pytest.FixtureRequest) -> Village:
    """The village on one broker after the other."""
    village.use_broker(request.param)
    return village
