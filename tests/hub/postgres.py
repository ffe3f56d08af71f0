"""A PostgreSQL 15 of a test's own, in a folder that goes with its block."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.hub.mqtt import free_port

POSTGRESQL = Path("/usr/lib/postgresql/15/bin")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A server of its own in a short-named folder (its socket's path must be short); its URL."""
    folder = Path(tempfile.mkdtemp(prefix="loa-pg-"))
    port = free_port()
    as_postgres: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    user = "postgres" if as_postgres else pwd.getpwuid(os.geteuid()).pw_name
    env = {"PATH": f"{POSTGRESQL}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def run(*command: object) -> None:
        subprocess.run([*as_postgres, *map(str, command)], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-D", folder / "db", "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync")
    with (folder / "db" / "postgresql.conf").open("a") as conf:
        conf.write(f"listen_addresses=''\nunix_socket_directories='{folder}'\nport={port}\nfsync=off\n")
    run("pg_ctl", "-D", folder / "db", "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql+psycopg://{user}@/postgres?host={folder}&port={port}"
    finally:
        run("pg_ctl", "-D", folder / "db", "-m", "fast", "-w", "stop")
        shutil.rmtree(folder)
