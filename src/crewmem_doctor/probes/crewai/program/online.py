"""Whether the embedder and the LLM answer, with the credentials of the environment: one tiny call each."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from typing import Any

from .steps import State


def embed(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """The length of one vector of the embedder that `provider` and `config` name."""
    begun = time.monotonic()
    spec = {"provider": step["provider"], "config": step.get("config", {})}
    try:
        function = importlib.import_module("crewai.rag.embeddings.factory").build_embedder(spec)
    except ImportError:
        configurator = importlib.import_module("crewai.utilities").EmbeddingConfigurator()
        function = configurator.configure_embedder(spec)
    vector = function(["ping"])[0]
    return {"length": len(vector), "seconds": round(time.monotonic() - begun, 1)}


def ask(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the model says anything."""
    begun = time.monotonic()
    llm = importlib.import_module("crewai").LLM(model=step["model"])
    said = llm.call([{"role": "user", "content": "Say ok."}])
    return {"said": bool(said), "seconds": round(time.monotonic() - begun, 1)}
