"""A spare on the device: silent on the shelf, and at a dead cluster's place once the commune's programme says so."""

from __future__ import annotations

import pytest

from edge.plan.inputs import situation_of
from edge.plan.stand_in import stood_in
from edge.sync.library import Holdings
from tests.builders import make_placement, make_programme, new_signer
from wire.programme import Swap

COMMUNE, HAMLET = "08/00694", "08/00694/02"
SPARE = make_placement("loa-s", COMMUNE, new_signer(), cluster="spare-s", spare=True, serial="s")
DEAD = make_placement("loa-1", HAMLET, new_signer(), cluster="cl-1", languages=["hmn", "vi"], tags=["cho"])


def holdings(*swaps: Swap, waiting=None, placement=SPARE) -> Holdings:
    programme = make_programme(COMMUNE, swaps=list(swaps))
    return Holdings(placement, {COMMUNE: programme}, waiting or {}, neighbours=(SPARE, DEAD))


def test_a_spare_on_the_shelf_plays_no_programme():
    situation = situation_of(holdings(), serial="s")
    assert (situation.programmes, situation.endpoint.cluster) == ((), "spare-s")


def test_a_spare_that_stands_in_is_that_cluster_for_programmes_and_emergencies():
    held = holdings(Swap("loa-s", "cl-1"))
    situation = situation_of(held, serial="s")
    assert [programme.area for programme in situation.programmes] == [COMMUNE]
    endpoint = situation.endpoint
    assert (endpoint.area, endpoint.cluster, endpoint.languages) == (HAMLET, "cl-1", ("hmn", "vi"))
    assert stood_in(held).area == HAMLET
    assert situation_of(stood_in(held), serial="s") == situation


def test_a_programme_that_waits_for_its_content_is_judged_at_the_place_that_it_gives():
    new = make_programme(COMMUNE, swaps=[Swap("loa-s", "cl-1")])
    situation = situation_of(holdings(waiting={COMMUNE: new}), serial="s", programmes={COMMUNE: new})
    assert situation.endpoint.cluster == "cl-1"


def test_a_spares_card_in_other_hardware_stays_silent():
    assert situation_of(holdings(Swap("loa-s", "cl-1")), serial="other").programmes == ()


@pytest.mark.parametrize("placement", [DEAD, None])
def test_no_other_device_is_moved(placement):
    held = holdings(Swap("loa-1", "spare-s"), placement=placement)
    assert stood_in(held) == held
