"""What devices read without a signature of its own, or after one: released files, messages, the hub's time.

Here well-formed input may be taken; what is looked for are errors that nobody expects, and work without end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from edge.sync.attest import TIME_TYPE, ask_time
from edge.sync.library import check_target, is_programme
from edge.sync.receive import Receiver, Refusal
from scripts.benches.fuzzing.province import DEVICE, HAMLET, Ground, orders, rich_programme
from scripts.benches.fuzzing.trial import Seed, Verdict
from wire.alert import clips_of, message_text, read_template
from wire.areas import placements_target, policy_target, programme_target, template_target
from wire.bundle import BundleIndex, encode_index, read_index
from wire.codec import encode
from wire.envelope import seal
from wire.errors import WireError
from wire.playlog import Logged, encode_logged
from wire.policy import Policy, read_policy
from wire.programme import Programme, read_programme
from wire.telemetry import Command, Versions, encode_message
from wire.timeline import Endpoint, Power, Situation, TimeQuality, decide, plan_day
from wire.topics import CMD, EMERGENCY, LOGGED, VERSIONS, dotted
from wire.trust.held import Held
from wire.units import DAY, UtcTime, moment

DAYS = 2


class Targets:
    """Released files by path: read, and planned from for two days, as every device of the area would."""

    name = "programme"

    def __init__(self, ground: Ground) -> None:
        now, commune = ground.province.now, "/".join(HAMLET.split("/")[:2])
        self._now = now
        self._above = rich_programme("08", now, 1)
        self._policy = Policy("08", now)
        self._endpoint = Endpoint.of(ground.placement)
        programme = encode(rich_programme(commune, now, 1))
        placements = next(raw for name, raw in ground.province.target_files.items() if name.endswith("placements.json"))
        self.seeds = [
            *[Seed(programme, programme_target(commune))] * 4,  # the largest of them, and what all sound comes from
            Seed(encode(self._above), programme_target("08")),
            Seed(encode(Policy(commune, now, languages=["vi"])), policy_target(commune)),
            Seed(encode(ground.template), template_target("08", ground.template.id)),
            Seed(placements, placements_target(commune)),
        ]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        try:
            check_target(seed.about, raw)
            if is_programme(seed.about):
                self._plan(self._policy, read_programme(raw).programme)
            elif seed.about.startswith("templates/"):
                template = read_template(raw)
                blanks = {blank.id: blank.choices[0].id for blank in template.blanks}
                clips_of(template, blanks, "vi")
                message_text(template, blanks, "hmn")
            elif seed.about.endswith("policy.json"):
                self._plan(read_policy(raw), self._above)
        except WireError:
            return Verdict.REFUSED
        return Verdict.TAKEN

    def close(self) -> None:
        """Holds nothing."""

    def _plan(self, policy: Policy, programme: Programme) -> None:
        situation = Situation((self._above, programme), (self._policy, policy), self._endpoint)
        today = moment(self._now).date()
        for n in range(DAYS):
            plan_day(situation, today + timedelta(days=n))
        decide(situation, (), Power.mains(), TimeQuality.SYNCED, self._now)


class Messages:
    """MQTT messages to a device, an index on a stick, the hub's word on the time."""

    name = "messages"

    def __init__(self, ground: Ground) -> None:
        self._receiver = Receiver(DEVICE)
        self._receiver.area = HAMLET
        now = ground.province.now
        command = Command("envelope", id="ab" * 32, body="QUJD", until=UtcTime(now + DAY))
        index = BundleIndex("08", HAMLET, [DEVICE], now, UtcTime(now + DAY))
        time = seal(encode({"nonce": "ab" * 16, "time": now}), TIME_TYPE, [ground.province.signers["timestamp"]])
        topics = [(topic, encode_message(command)) for topic in (CMD.of(DEVICE), CMD.of("loa-2"), "loa/1/dn/loa-1/x")]
        topics += [(LOGGED.of(DEVICE), encode_logged(Logged("ab" * 16, 7)))]
        topics += [(VERSIONS.of(dotted(area)), encode_message(Versions(3, 9))) for area in ("08", HAMLET, "../x")]
        topics += [(EMERGENCY.of(dotted(area)), orders(ground)[0]) for area in ("08", HAMLET, "09")]
        self._readers: dict[str, Callable[[bytes], object]] = {
            topic: partial(self._receiver.read, topic) for topic, _ in topics
        }
        self._readers |= {"bundle.json": read_index, "time": partial(_ask_time, ground.held)}
        self.seeds = [Seed(raw, topic) for topic, raw in topics]
        self.seeds += [Seed(encode_index(index), "bundle.json"), Seed(time, "time")]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        try:
            found = self._readers[seed.about](raw)
        except WireError:
            return Verdict.REFUSED
        return Verdict.REFUSED if isinstance(found, Refusal) else Verdict.TAKEN

    def close(self) -> None:
        """Holds nothing."""


class _Saying:
    """A hub that answers with these bytes whatever it is asked."""

    name = "loa.fuzz"

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def post(self, path: str, body: bytes, *, content_type: str) -> bytes:  # noqa: ARG002 - as `Fetcher` has it
        return self._raw


def _ask_time(held: Held, raw: bytes) -> object:
    return ask_time(_Saying(raw), held)  # type: ignore[arg-type] - asks for nothing else
