"""Whose memory it is: one scope, and one flow's state, for each caller. Copy this file into your project.

    memory = Memory()                                                       # once, at import
    Crew(agents=[...], tasks=[...], memory=memory.scope(user_scope(user_id)))
    flow.kickoff(inputs={"id": flow_id(user_id, conversation_id)})

Ids become digests of one width. CrewAI compares the beginning of a scope's text, so that `/user/7` also finds
`/user/70`, and up to 1.14.7 at least its search takes `%` and `_` in a scope for wildcards.
"""

from __future__ import annotations

import hashlib
import json
from uuid import uuid4


def user_scope(user_id: str) -> str:
    """The scope of one user, for `memory.scope(…)`. Raises ValueError without an id: it would be everybody's."""
    return f"/user/{_digest(_given(user_id))}/chat"


def flow_id(user_id: str, conversation_id: str) -> str:
    """The id of a flow's state: of this user's conversation, not of who else sends the same id. Raises ValueError."""
    return _digest(json.dumps([_given(user_id), _given(conversation_id)]))


def conversation(sent: str | None) -> str:
    """The id that the caller sent, else a new one. A new one must go back with the answer, to be sent the next time."""
    return sent or uuid4().hex


def _given(name: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ValueError("memory is asked for without the caller's id")
    return name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
