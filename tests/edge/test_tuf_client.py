"""`loa-edge tuf-client` as the public conformance suite uses it: one command after another over one folder."""

from __future__ import annotations

import json

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile

from edge.cli import run_command
from tests.edge.tuf_repository import EARLIER, TOP, Repository


class Client:
    """Runs commands; `versions` is what the folder holds."""

    def __init__(self, folder, repository: Repository) -> None:
        self.metadata, self.targets = folder / "metadata", folder / "targets"
        self.repository = repository
        self._first = folder / "first.json"
        self._first.write_bytes(repository.files["/metadata/1.root.json"])

    def run(self, *words: str, names: tuple[str, ...] = ()) -> int:
        url = f"{self.repository.url}/metadata"
        arguments = ["tuf-client", "--metadata-dir", str(self.metadata), "--metadata-url", url]
        if names:
            arguments += ["--target-base-url", f"{self.repository.url}/targets/", "--target-dir", str(self.targets)]
        for name in names:
            arguments += ["--target-name", name]
        return run_command([*arguments, *words])

    def init(self) -> int:
        return self.run("init", str(self._first))

    def refresh(self) -> int:
        return self.run("refresh")

    def download(self, *names: str) -> int:
        return self.run("download", names=names)

    @property
    def versions(self) -> dict[str, int]:
        return {path.stem: json.loads(path.read_bytes())["signed"]["version"] for path in self.metadata.glob("*.json")}


@pytest.fixture(params=[True, False], ids=["consistent", "inconsistent"])
def repository(request):
    made = Repository(consistent=request.param)
    yield made
    made.close()


@pytest.fixture
def client(tmp_path, repository):
    made = Client(tmp_path, repository)
    assert made.init() == 0
    return made


def test_init_asks_no_server(client, repository):
    assert (client.versions, repository.requests) == ({"root": 1}, [])


def test_init_with_what_is_no_root_is_refused(tmp_path, repository):
    client = Client(tmp_path, repository)
    bad = tmp_path / "bad.json"
    bad.write_bytes(repository.sign("targets"))
    assert client.run("init", str(bad)) == 1
    assert client.refresh() == 1


def test_refresh_keeps_files_without_version_in_their_name(client, repository):
    assert client.refresh() == 0
    assert client.versions == {"root": 1, "timestamp": 2, "snapshot": 2, "targets": 1}
    before = len(repository.requests)
    assert client.refresh() == 0
    assert repository.requests[before:] == ["/metadata/2.root.json", "/metadata/timestamp.json"]


@pytest.mark.parametrize("name", TOP)
def test_nothing_expired_is_taken(client, repository, name):
    assert client.refresh() == 0
    before = client.versions
    signed = repository.signed(name)
    signed.expires = EARLIER
    if name in ("root", "targets"):
        signed.version += 1
    repository.publish(*([name] if name in ("root", "targets") else []))
    assert client.refresh() == 1
    if name != "root":
        assert client.versions[name] == before[name]


@pytest.mark.parametrize("name", TOP)
def test_nothing_that_others_signed_is_taken(client, repository, name):
    assert client.refresh() == 0
    before = client.versions
    signed = repository.signed(name)
    signed.version += 1
    if name == "targets":
        repository.publish("targets")
    elif name == "snapshot":
        repository.publish()
    repository.put(name, repository.sign(name, [CryptoSigner.generate_ed25519()]))
    assert client.refresh() == 1
    assert client.versions[name] == before[name]


def test_an_older_timestamp_is_refused(client, repository):
    assert client.refresh() == 0
    repository.timestamp.version -= 1
    repository.put("timestamp")
    assert client.refresh() == 1
    assert client.versions["timestamp"] == 2


def test_a_timestamp_that_names_an_older_snapshot_is_refused(client, repository):
    repository.publish()
    assert client.refresh() == 0
    repository.timestamp.snapshot_meta = MetaFile(2)
    repository.publish_timestamp()
    assert client.refresh() == 1
    assert client.versions["snapshot"] == 3


@pytest.mark.parametrize("change", ["falls back", "is gone"])
def test_a_snapshot_whose_roles_fall_back_or_vanish_is_refused(client, repository, change):
    repository.targets.version = 2
    repository.publish("targets")
    assert client.refresh() == 0
    if change == "falls back":
        repository.targets.version = 1
        repository.publish("targets")
    else:
        del repository.snapshot.meta["targets.json"]
        repository.publish()
    assert client.refresh() == 1
    assert (client.versions["snapshot"], client.versions["targets"]) == (3, 2)


def test_a_snapshot_that_is_not_the_one_of_the_timestamp_is_refused(client, repository):
    repository.publish()
    repository.timestamp.snapshot_meta = MetaFile(repository.snapshot.version, hashes={"sha256": "0" * 64})
    repository.publish_timestamp()
    assert client.refresh() == 1
    assert "snapshot" not in client.versions


def test_a_root_that_the_old_holders_signed_is_followed(client, repository):
    for _ in range(3):
        repository.rotate_root()
    assert client.refresh() == 0
    assert client.versions["root"] == 4


def test_a_root_that_the_old_holders_did_not_sign_is_refused(client, repository):
    repository.rotate_root()
    repository.rotate_root(sign_with_old=False)
    assert client.refresh() == 1
    assert client.versions["root"] == 2


def test_new_online_keys_end_what_stolen_ones_fast_forwarded(client, repository):
    repository.timestamp.version = 90_000
    repository.publish()
    assert client.refresh() == 0
    for name in ("timestamp", "snapshot"):
        repository.root.revoke_key(repository.signers[name][0].public_key.keyid, name)
        repository.signers[name] = [CryptoSigner.generate_ed25519()]
        repository.root.add_key(repository.signers[name][0].public_key, name)
    repository.rotate_root()
    repository.timestamp.version = 5
    repository.publish()
    assert client.refresh() == 0
    assert client.versions["timestamp"] == 6


def test_one_key_does_not_make_two_signatures(client, repository):
    repository.root.roles["timestamp"].threshold = 2
    repository.rotate_root()
    repository.publish()
    assert client.refresh() == 1
    repository.signers["timestamp"].append(CryptoSigner.generate_ed25519())
    repository.root.add_key(repository.signers["timestamp"][1].public_key, "timestamp")
    repository.rotate_root()
    repository.publish_timestamp()
    assert client.refresh() == 0


@pytest.mark.parametrize("role", ["one", "../one", "a/b", "Hỏi?#"])
def test_a_delegated_target_is_found_and_not_fetched_twice(client, repository, role):
    repository.add_target(repository.delegate("targets", role, "loa/*"), "loa/tin.opus", b"sound")
    repository.publish(role, "targets")
    assert client.download("loa/tin.opus") == 0
    assert [path.read_bytes() for path in client.targets.iterdir()] == [b"sound"]
    before = len(repository.requests)
    assert client.download("loa/tin.opus") == 0
    assert not [path for path in repository.requests[before:] if path.startswith("/targets/")]
    assert set(client.metadata.parent.iterdir()) == {client.metadata, client.targets, client._first}


def test_roles_are_asked_in_preorder_and_a_terminating_one_ends_the_search(client, repository):
    for outer, name in [("targets", "a"), ("a", "b"), ("targets", "c"), ("targets", "d")]:
        repository.delegate(outer, name, "*", terminating=name == "c")
    repository.add_target(repository.delegated["d"], "tin", b"late")
    repository.publish("a", "b", "c", "d", "targets")
    assert client.download("tin") == 1
    assert "d" not in client.versions
    asked = [path.rpartition("/")[2].removeprefix("1.")[0] for path in repository.requests if path.endswith(".json")]
    assert [name for name in asked if name in "abcd"] == ["a", "b", "c"]


def test_a_role_lists_nothing_outside_its_paths(client, repository):
    repository.add_target(repository.delegate("targets", "one", "loa/*"), "bang/tin", b"x")
    repository.publish("one", "targets")
    assert client.download("bang/tin") == 1


def test_a_role_of_two_delegators_is_trusted_for_each_by_that_ones_keys(client, repository):
    for outer in ("a", "b"):
        repository.delegate("targets", outer, f"{outer}/*")
    shared = repository.delegate("a", "shared", "a/*")
    keys = repository.signers["shared"]
    repository.delegate("b", "shared", "b/*")
    repository.delegated["shared"], repository.signers["shared"] = shared, keys
    repository.add_target(shared, "a/tin", b"vouched for by a")
    repository.add_target(shared, "b/tin", b"nobody asked b")
    repository.publish("shared", "a", "b", "targets")
    assert client.download("a/tin", "b/tin") == 1
    assert [path.read_bytes() for path in client.targets.iterdir()] == [b"vouched for by a"]


def test_targets_are_taken_in_order_until_one_fails(client, repository):
    for name in ("mot", "hai", "ba"):
        repository.add_target(repository.targets, name, name.encode())
    repository.targets.version += 1
    repository.publish("targets")
    for path in [path for path in repository.files if path.endswith("hai")]:
        repository.files[path] = b"not"
    assert client.download("mot", "hai", "ba") == 1
    assert [path.name for path in client.targets.iterdir()] == ["mot"]


def test_metadata_of_another_type_is_refused(client, repository):
    repository.files["/metadata/timestamp.json"] = Metadata(repository.snapshot).to_bytes()
    assert client.refresh() == 1


@pytest.mark.parametrize("raw", [b"", b"{}", b"[" * 100_000, bytes(20_000)])
def test_rubbish_is_one_line_and_exit_1(client, repository, raw, capsys):
    repository.files["/metadata/timestamp.json"] = raw
    assert client.refresh() == 1
    assert capsys.readouterr().err.count("\n") == 1
