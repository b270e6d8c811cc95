"""Which names mean that conversations are kept."""

from __future__ import annotations

import pytest

from crewmem_doctor.facts.python.wording import means_conversation


@pytest.mark.parametrize("name", [
    "conversations", "chat_sessions", "crew_session_contexts", "messages_by_user", "_chat_history", "userContexts", "history"])
def test_conversations(name: str) -> None:
    assert means_conversation(name)


@pytest.mark.parametrize("name", [
    "last_message_time", "message_ids", "seen_messages", "session_locks", "message_queue", "chat_rate_limits", "sessionDates",
    "db_sessions", "memory_cache", "message_sizes", "prompts", "jobs"])
def test_what_is_only_about_them(name: str) -> None:
    assert not means_conversation(name)
