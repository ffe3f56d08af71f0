"""TUF's rules for one province, pure: bytes, state and time go in; accepted or refused, and why, comes out (design §5).

What a store (a device, the hub, a station) does, in this order:

1. Once: `pin_root(raw)` on the root.json that was handed over by a person. Compare `held.root_fingerprint`.
2. Keep durably, in one transaction: `held.files` (role name → bytes), `held.versions` (role name → highest version ever
   accepted; the guard against rollback even when files are lost) and the floor.
3. At boot: `load_held(files, versions)` verifies everything again; what fails is left out, named, and fetched anew.
4. To refresh: `refresh(held, scope=…, floor=…, rules=NETWORK or BUNDLE)` is a generator that asks for one file after
   the other (`Wanted`: its name under /tuf/metadata and in bundles, and a size limit) and is sent its bytes, or None
   where the file does not exist. `run(steps, fetch)` drives it. Whoever cannot fetch (network gone) abandons it and
   keeps what was held: nothing of a half refresh counts. The `Outcome` holds the new state and what was refused.
5. Store `outcome.held` as under 2 with `raised_floor(outcome.held, floor, clock)`, then fetch the targets:
   `find_target(held, path)` says which file (`target.file_name`), how long, which hash; `target.check(raw)`.
   Switch to new content only when all of it is there; `outcome.dropped` is what stops at once.
6. Envelopes: `verify_order` (alerts), or `authority(held, role)` and `wire.envelope.open_envelope` for the others.

Order of fetching: every next root until there is none; timestamp; snapshot if the timestamp names another; then targets
and the delegated roles on the way to the scope's paths, in the order of delegation, each only if its version changed.

Modules: `strict` types · `rolefile` bytes to checked metadata · `layout` which role may say what · `held` the state ·
`scope` whose roles are kept · `expiry` · `floor` · `succession` what may follow what · `refresh` · `authority` who may
sign, found by path or by name · `orders` alerts · `passkey` keys on phones and computers.
"""

from securesystemslib.signer import KEY_FOR_TYPE_AND_SCHEME

from wire.trust.passkey import KEY_TYPE, SCHEME, Passkey

# Here, so that no program can read metadata without knowing the type: it would take a role with a passkey for damaged.
KEY_FOR_TYPE_AND_SCHEME[KEY_TYPE, SCHEME] = Passkey
