"""The state of CrewAI flows in PostgreSQL, so that any replica can go on with a flow. Copy this file into your project.

For every release with flow persistence (0.100 and later). Needs `psycopg[binary]>=3.2`.

    @persist(PostgresFlowPersistence(os.environ["DATABASE_URL"]))
    class Conversation(Flow): ...

    Conversation().kickoff(inputs={"id": conversation_id, ...})     # without the id nothing is ever found again
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from crewai.flow.persistence.base import FlowPersistence
from psycopg.types.json import Jsonb
from pydantic import BaseModel, PrivateAttr

if TYPE_CHECKING:
    from crewai.flow.async_feedback.types import PendingFeedbackContext

SCHEMA = """
SELECT pg_advisory_xact_lock(hashtext('crewai flows'));
CREATE TABLE IF NOT EXISTS crewai_flow_states (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    flow_uuid  text NOT NULL,
    method     text NOT NULL,
    state      jsonb NOT NULL,
    saved_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS crewai_flow_states_uuid ON crewai_flow_states (flow_uuid, id DESC);
CREATE TABLE IF NOT EXISTS crewai_flow_feedback (
    flow_uuid  text PRIMARY KEY,
    context    jsonb NOT NULL,
    state      jsonb NOT NULL,
    saved_at   timestamptz NOT NULL DEFAULT now()
);
"""
APPEND = "INSERT INTO crewai_flow_states (flow_uuid, method, state) VALUES (%s, %s, %s)"
NEWEST = "SELECT state FROM crewai_flow_states WHERE flow_uuid = %s ORDER BY id DESC LIMIT 1"
WAIT = """
INSERT INTO crewai_flow_feedback (flow_uuid, context, state) VALUES (%s, %s, %s)
ON CONFLICT (flow_uuid) DO UPDATE SET context = excluded.context, state = excluded.state, saved_at = now()
"""
PENDING = "SELECT state, context FROM crewai_flow_feedback WHERE flow_uuid = %s"


class PostgresFlowPersistence(FlowPersistence):
    """Appends one row for each step of a flow, and reads the newest.

    Nothing is opened when it is built, since `@persist` builds it at import. Every step has a connection of its own:
    that is safe across forks, threads and restarts of the server, and costs some milliseconds a step. What the server
    refuses is raised, and CrewAI stops the flow.
    """

    persistence_type: str = "PostgresFlowPersistence"
    # Private, so that no dump of the object shows the password. Where the base is no pydantic model (1.9.3 and earlier)
    # these are plain attributes.
    _url: str = PrivateAttr(default="")
    _ready: bool = PrivateAttr(default=False)

    def __init__(self, url: str, /, **fields: Any) -> None:
        super().__init__(**fields)
        self._url = url
        self._ready = False

    def check(self) -> None:
        """Connect, and create the tables if there are none. Call it at start-up, so that nothing starts without."""
        self.init_db()

    def init_db(self) -> None:
        with psycopg.connect(self._url, connect_timeout=10) as connection:
            connection.execute(SCHEMA)
        self._ready = True

    def save_state(self, flow_uuid: str, method_name: str, state_data: dict[str, Any] | BaseModel) -> None:
        with self._connect() as connection:
            _append(connection, flow_uuid, method_name, _json(state_data))

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        with self._connect() as connection:
            row = connection.execute(NEWEST, (flow_uuid,)).fetchone()
        return None if row is None else row[0]

    def save_pending_feedback(
        self, flow_uuid: str, context: PendingFeedbackContext, state_data: dict[str, Any] | BaseModel
    ) -> None:
        """A flow that waits for a person's answer (1.8 and later)."""
        state = _json(state_data)
        with self._connect() as connection:
            _append(connection, flow_uuid, context.method_name, state)
            connection.execute(WAIT, (flow_uuid, _json(context.to_dict()), state))

    def load_pending_feedback(self, flow_uuid: str) -> tuple[dict[str, Any], PendingFeedbackContext] | None:
        from crewai.flow.async_feedback.types import PendingFeedbackContext

        with self._connect() as connection:
            row = connection.execute(PENDING, (flow_uuid,)).fetchone()
        return None if row is None else (row[0], PendingFeedbackContext.from_dict(row[1]))

    def clear_pending_feedback(self, flow_uuid: str) -> None:
        with self._connect() as connection:
            connection.execute("DELETE FROM crewai_flow_feedback WHERE flow_uuid = %s", (flow_uuid,))

    def _connect(self) -> psycopg.Connection[Any]:
        """A connection that commits and closes at the end of its `with`."""
        if not self._ready:
            self.init_db()
        return psycopg.connect(self._url, connect_timeout=10)


def _append(connection: psycopg.Connection[Any], flow_uuid: str, method: str, state: Jsonb) -> None:
    connection.execute(APPEND, (flow_uuid, method, state))


def _json(data: Any) -> Jsonb:
    plain = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
    return Jsonb(plain, dumps=lambda value: json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    """What JSON has no word for, as CrewAI's own persistence writes it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
