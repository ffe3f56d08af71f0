"""How passwords are kept."""

from __future__ import annotations

from hub.auth.passwords import hash_password, is_password


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own():
    one, two = hash_password("mat-khau-dai"), hash_password("mat-khau-dai")
    assert one != two
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password("mat-khau-dai", one)
    assert not is_password("mat-khau-dai ", one)


def test_what_is_no_hash_opens_nothing():
    assert not is_password("", "")
    assert not is_password("x", "scrypt:32768:8:1$x$y")


def test_nobody_in_the_database_has_another_kind(box):
    with box.hub.reading() as conn:
        kept = [row[0] for row in conn.exec_driver_sql("SELECT password FROM persons")]
    assert kept
    assert all(hashed.startswith("$argon2id$") for hashed in kept)
