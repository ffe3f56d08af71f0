"""The embedded MQTT broker (amqtt) in a process of its own: `loa-hub broker`. For one commune, tests and the demo."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.errors import AMQTTError, MQTTError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from hub import broker_rights
from hub.config import Config, load_config
from hub.db import Database
from hub.secrets.keyring import Keyring

CONNECT_S = 10.0
"""Within this time a connection must say who it is."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Rights:
    config: Config
    db: Database
    keys: Keyring


class LoaAuth(BaseAuthPlugin):  # type: ignore[misc]
    """Lets in who has the password of the account; the client id must be the account's name."""

    @dataclass
    class Config:
        directory: str
        file: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._rights = _rights(self.config)

    async def authenticate(self, *, session: Session) -> bool | None:
        name, password = session.username, session.password
        if not name or not password or session.client_id != name:
            return False
        stored = broker_rights.account(self._rights.db, self._rights.config, self._rights.keys, name)
        return stored is not None and broker_rights.check_password(password, stored)


class LoaAcl(BaseTopicPlugin):  # type: ignore[misc]
    """Filters every publication, subscription and delivery by the table of rights."""

    @dataclass
    class Config:
        directory: str
        file: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._rights = _rights(self.config)

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool | None:
        if session is None or not session.client_id or not topic:
            return False
        may = broker_rights.may_publish if action == Action.PUBLISH else broker_rights.may_hear
        return may(self._rights.config, session.client_id, topic)


class _Steady(dict[str, list[tuple[Session, int]]]):
    """Subscriptions that may change while amqtt walks through them, which on its own ends its sending for good."""

    def items(self) -> Any:
        return [(topic, list(sessions)) for topic, sessions in super().items()]


class GuardedBroker(Broker):  # type: ignore[misc]
    """amqtt with the password asked first.

    On its own amqtt ends or rewrites the session of a client id before it asks for the password, and sends a last will
    wherever it is addressed: anybody could silence a device, and a device could speak for the hub. Every session here
    is a clean one (design §6).
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._subscriptions = _Steady()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        handler, session = await self._read_connect(reader, writer)
        session.clean_session = True
        session.parent = 0
        if not await self._may_connect(session):
            log.warning("%s:%d refused as %s", remote_address, remote_port, str(session.client_id)[:40])
            handler.attach(session, reader, writer)
            await handler.mqtt_connack_authorize(authorize=False)
            await writer.close()
            raise AMQTTError("not authorized")
        await self._delete_session(str(session.client_id))
        return handler, session

    async def _read_connect(
        self, reader: ReaderAdapter, writer: WriterAdapter
    ) -> tuple[BrokerProtocolHandler, Session]:
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
        except (AMQTTError, MQTTError):
            await writer.close()
            raise
        except TimeoutError as error:
            await writer.close()
            raise AMQTTError("nothing said") from error
        handler, session = found
        return handler, session

    async def _may_connect(self, session: Session) -> bool:
        if not await self._authenticate(session, self.listeners_config["default"]):
            return False
        will = session.will_topic if session.will_flag else None
        return not will or await self._topic_filtering(session, will, Action.PUBLISH)


def run_broker(config: Config, config_file: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    for chatty in ("amqtt", "transitions"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    asyncio.run(_serve(config, config_file))


async def _serve(config: Config, config_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    plugin = {"directory": config.dir, "file": str(config_file or "")}
    listener = {"type": "tcp", "bind": f"{config.broker_host}:{config.broker_port}"}
    broker = GuardedBroker(
        {"listeners": {"default": listener}, "plugins": {"hub.broker.LoaAuth": plugin, "hub.broker.LoaAcl": plugin}}
    )
    await broker.start()
    log.info("broker listens on %s:%d", config.broker_host, config.broker_port)
    await stop.wait()
    await broker.shutdown()


def _rights(given: LoaAuth.Config | LoaAcl.Config) -> _Rights:
    config = load_config(Path(given.directory), Path(given.file) if given.file else None)
    return _Rights(config, Database(config.database_url), Keyring(config.master_key))
