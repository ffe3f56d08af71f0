"""Client of the hub's HTTP interface: what a person's machine asks the mailbox, within limits of time and size.

Believes nothing that it brings: `provisioning.trusted` verifies metadata and targets, `provisioning.blobs` sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import msgspec
import urllib3
from msgspec import Meta, Struct

from provisioning.errors import HubRefusedError, HubUnreachableError
from wire.bundle import MAX_METADATA_BYTES, MAX_TARGET_BYTES
from wire.errors import WireError
from wire.joining import ENROL_PATH, PLACES_PATH, Place, Wish
from wire.joining import Answer as JoinAnswer

T = TypeVar("T")
TIMEOUT = urllib3.Timeout(connect=5, read=30)
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_LOG_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 256 * 1024

Line = Annotated[str, Meta(max_length=300)]


class Person(Struct, frozen=True):
    """Who is signed in, as the hub says."""

    username: Line
    name: Line
    roles: list[Any] = msgspec.field(default_factory=list)
    areas: list[str] = msgspec.field(default_factory=list)


class Login(Struct, frozen=True):
    token: Annotated[str, Meta(min_length=8, max_length=4_096)]
    person: Person


class Pending(Struct, frozen=True):
    """One proposal of the list. Nothing of it is believed but which one it is."""

    id: int | Line
    role: Line
    area: Line
    kind: Annotated[str, Meta(pattern="^(programme|policy|placements|template)$")]
    title: Line
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    submitted_at: int
    base_version: int = 0
    authors: list[str] = msgspec.field(default_factory=list)
    sign_before: int | None = None
    signatures: int = 0
    threshold: int = 1


class Proposal(Pending, frozen=True):
    """The same with its content: target files as text, and the partly signed role (base64), if somebody has signed."""

    targets: dict[str, str] = msgspec.field(default_factory=dict)
    metadata: str | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class HubApi:
    """One hub, and the login token once there is one."""

    def __init__(self, url: str, *, token: str = "", pool: urllib3.PoolManager | None = None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._pool = pool or urllib3.PoolManager(timeout=TIMEOUT, retries=False, maxsize=4)

    def with_token(self, token: str) -> HubApi:
        """The same hub over the same connections, asked in somebody's name."""
        return HubApi(self.url, token=token, pool=self._pool)

    # --- signed files, public ---------------------------------------------------------------------------------------

    def metadata(self, file: str) -> bytes | None:
        """A metadata file, or None where the hub has none."""
        return self._file(f"/tuf/metadata/{quote(file)}", limit=MAX_METADATA_BYTES)

    def target(self, path: str, sha256: str) -> bytes | None:
        folder, _, name = path.rpartition("/")
        return self._file(f"/tuf/targets/{quote(folder)}/{sha256}.{quote(name)}", limit=MAX_TARGET_BYTES)

    def blob(self, sha256: str, *, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a blob from `offset` on. The caller counts and hashes them.

        Raises HubRefusedError where the hub does not give them from there, HubUnreachableError when they break off.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = self._open("GET", f"/blobs/{sha256}", headers=headers)
        try:
            if response.status != (206 if offset else 200):
                raise _refusal(response.status, response.read(MAX_ANSWER_BYTES))
            while chunk := response.read(CHUNK_BYTES):
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise HubUnreachableError(f"{self.url} broke off: {_reason(error)}") from error
        finally:
            response.close()

    # --- in somebody's name -----------------------------------------------------------------------------------------

    def login(self, username: str, password: str) -> Login:
        """Raises HubRefusedError (401) for a wrong name or password."""
        return self._shaped(self._post("/api/login", {"username": username, "password": password}), Login)

    def pending(self) -> list[Pending]:
        return self._shaped(self._get("/api/pending"), list[Pending])

    def proposal(self, ident: str) -> Proposal:
        return self._shaped(self._get(f"/api/pending/{quote(ident, safe='')}"), Proposal)

    def send_signature(self, ident: str, digest: str, metadata: str) -> dict[str, Any]:
        """Post the signed role (base64). HubRefusedError `changed`: the proposal is another by now."""
        body = {"digest": digest, "metadata": metadata}
        return self._shaped(self._post(f"/api/pending/{quote(ident, safe='')}/signature", body), dict[str, Any])

    def send_back(self, ident: str, reason: str) -> None:
        self._post(f"/api/pending/{quote(ident, safe='')}/return", {"reason": reason})

    def propose(self, kind: str, area: str, title: str, targets: Mapping[str, str]) -> int:
        """Put a policy or templates up for signature; the proposal's id."""
        body = {"kind": kind, "area": area, "title": title, "targets": dict(targets)}
        return int(self._shaped(self._post("/api/proposals", body), dict[str, Any]).get("id", 0))

    def alerts(self) -> list[dict[str, Any]]:
        return self._shaped(self._get("/api/alerts"), list[dict[str, Any]])

    def alert(self, ident: str) -> dict[str, Any]:
        return self._shaped(self._get(f"/api/alerts/{quote(ident, safe='')}"), dict[str, Any])

    def send_alert(self, envelope: str) -> dict[str, Any]:
        """Post a DSSE envelope (base64)."""
        return self._shaped(self._post("/api/alerts", {"envelope": envelope}), dict[str, Any])

    def half_signed(self) -> list[dict[str, Any]]:
        """Orders that wait for another officer, in this person's areas."""
        return self._shaped(self._get("/api/alerts/half-signed"), list[dict[str, Any]])

    def areas(self) -> list[dict[str, Any]]:
        """Path, name, households and clusters of areas, where this hub tells them; otherwise nothing."""
        answer = self._ask("GET", "/api/areas")
        return self._shaped(answer.body, list[dict[str, Any]]) if answer.status == 200 else []

    # --- by a technician's ticket, and a device's own signature ------------------------------------------------------

    def enrol_places(self, ticket: str) -> list[Place]:
        """The clusters that a ticket reaches."""
        return self._shaped(self._post(PLACES_PATH, {"ticket": ticket}), list[Place])

    def enrol(self, wish: Wish) -> JoinAnswer:
        """Hand in a device's request, or ask how it stands."""
        return self._shaped(self._post(ENROL_PATH, wish), JoinAnswer)

    # --- a stick's log ----------------------------------------------------------------------------------------------

    def send_log(self, lines: bytes) -> dict[str, Any]:
        """Hand in what a device wrote to a stick: DSSE envelopes, one a line."""
        if len(lines) > MAX_LOG_BYTES:
            raise HubRefusedError(413, "too_large", f"a log of {len(lines)} bytes, more than {MAX_LOG_BYTES}")
        answer = self._ask("POST", "/device/log", body=lines, headers={"Content-Type": "application/x-ndjson"})
        return self._shaped(_expect(answer), dict[str, Any])

    # ----------------------------------------------------------------------------------------------------------------

    def _file(self, path: str, *, limit: int) -> bytes | None:
        answer = self._ask("GET", path, limit=limit)
        return None if answer.status == 404 else _expect(answer)

    def _get(self, path: str) -> bytes:
        return _expect(self._ask("GET", path))

    def _post(self, path: str, value: object) -> bytes:
        headers = {"Content-Type": "application/json"}
        return _expect(self._ask("POST", path, body=msgspec.json.encode(value), headers=headers))

    def _ask(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        limit: int = MAX_ANSWER_BYTES,
    ) -> Answer:  # fmt: skip
        response = self._open(method, path, body=body, headers={"Accept-Encoding": "gzip", **(headers or {})})
        try:
            read = response.read(limit + 1, decode_content=True)
        except urllib3.exceptions.HTTPError as error:
            response.close()
            raise HubUnreachableError(f"{self.url} broke off: {_reason(error)}") from error
        if len(read) > limit:
            response.close()
            raise HubUnreachableError(f"{self.url}{path} answers with more than {limit} bytes")
        response.release_conn()
        return Answer(response.status, dict(response.headers), read)

    def _open(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        authorised = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            return self._pool.request(
                method,
                self.url + path,
                body=body,
                headers={**authorised, **headers},
                preload_content=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise HubUnreachableError(f"no answer from {self.url}: {_reason(error)}") from error

    def _shaped(self, body: bytes, shape: Callable[..., T] | type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, WireError) as error:
            raise HubUnreachableError(f"{self.url} answers what this program does not know: {error}") from error


def _expect(answer: Answer) -> bytes:
    if not 200 <= answer.status < 300:
        raise _refusal(answer.status, answer.body)
    return answer.body


def _refusal(status: int, body: bytes) -> HubRefusedError:
    try:
        problem = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    detail = str(problem.get("detail") or problem.get("title") or f"the hub answers {status}")[:500]
    return HubRefusedError(status, str(problem.get("code", "refused"))[:40], detail)


def _reason(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200]
