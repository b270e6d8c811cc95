"""The embedder and the LLM, asked only with --online, and whether the embedder fits what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crewmem_doctor.model.expression import Text
from crewmem_doctor.model.release import Version
from crewmem_doctor.probes.crewai.child import Child, Failed
from crewmem_doctor.probes.crewai.play import Play
from crewmem_doctor.probes.crewai.scene import Scene, numbers
from crewmem_doctor.probes.session import Session, Verdict
from crewmem_doctor.releases.embedding import default_embedder, key_variables, llm_provider

# Lengths of vectors, from the models' own pages.
LENGTHS = {
    "text-embedding-3-large": 3072, "text-embedding-3-small": 1536, "text-embedding-ada-002": 1536,
    "nomic-embed-text": 768, "mxbai-embed-large": 1024, "all-minilm": 384, "all-MiniLM-L6-v2": 384,
    "sentence-transformers/all-MiniLM-L6-v2": 384, "BAAI/bge-small-en-v1.5": 384, "BAAI/bge-base-en-v1.5": 768,
    "BAAI/bge-large-en-v1.5": 1024, "models/embedding-001": 768, "models/text-embedding-004": 768,
    "gemini-embedding-001": 3072, "models/gemini-embedding-001": 3072,
}
LLM_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY",
                 "groq": "GROQ_API_KEY", "mistral": "MISTRAL_API_KEY", "openrouter": "OPENROUTER_API_KEY"}


def online(session: Session, scene: Scene, play: Play) -> int | None:
    """One tiny call to each, with the credentials of this environment. The length of the embedder's vectors."""
    if not session.settings.online:
        for name in ("embedder", "llm"):
            with session.check(name) as check:
                check.skipped("asked only with --online")
        return None
    length = _embedder(session, scene, play)
    _llm(session, scene, play)
    return length


def _embedder(session: Session, scene: Scene, play: Play) -> int | None:
    with session.check("embedder") as check:
        provider, model = embedder_of(scene)
        if not provider:
            check.skipped("the code computes which embedder it uses")
            return None
        version = Version.parse(scene.version)
        variables = (key_variables(version, provider) if version is not None else None) or ()
        step = {"do": "embed", "provider": provider, "config": _config(scene, provider, model)}
        said = _asked(check, session, play, step, f"the embedder {provider}{f' {model}' if model else ''}", variables)
        if said is None:
            return None
        check.passed(f"the embedder {provider} answers with vectors of {said['length']}")
        return int(said["length"])
    return None


def _llm(session: Session, scene: Scene, play: Play) -> None:
    memory = scene.subject.memory
    models = [model for model, _ in memory.llms] if memory is not None else []
    with session.check("llm") as check:
        if not models:
            check.skipped("the code does not say which model its agents use")
            return
        variable = LLM_VARIABLES.get(llm_provider(models[0]), "")
        said = _asked(check, session, play, {"do": "ask", "model": models[0]}, f"the LLM {models[0]}",
                      (variable,) if variable else ())
        if said is not None:
            check.passed(f"the LLM {models[0]} answers")


def _asked(check: Verdict, session: Session, play: Play, step: Mapping[str, Any], whom: str,
           variables: tuple[str, ...]) -> dict[str, Any] | None:
    """The answer of a process with the environment as it stands here, or None with the verdict given."""
    child = play.child({"do": "import"}, step, real=True)
    child.answer(play.importing)
    try:
        return child.answer(session.seconds)
    except Failed as error:
        unset = variables if variables and not any(session.environ.get(name) for name in variables) else ()
        missing = f"; {' or '.join(unset)} is not set" if unset else ""
        check.failed(
            f"{whom} does not answer ({error.kind}: {str(error)[:200]}){missing}: then every save fails and the crew "
            "still succeeds", remedy=f"Give the process {unset[0]}" if unset else
            "Check the credentials, the address and the network of the provider")
        return None


def embedder_of(scene: Scene) -> tuple[str, str]:
    """The provider and the model that the project's memory uses; "" for what is not known. CrewAI's default where the
    code says nothing."""
    version, memory = Version.parse(scene.version), scene.subject.memory
    default = default_embedder(version) if version is not None else None
    given = memory.embedder if memory is not None else None
    if given is None or given.provider is None:
        model = scene.stage.environ.get("EMBEDDINGS_OPENAI_MODEL_NAME", "")
        return ("openai", model or (default.value.model if default is not None else ""))
    provider = given.provider.value if isinstance(given.provider, Text) else ""
    named = given.model.value if isinstance(given.model, Text) else ""
    return str(provider or ""), str(named or "")


def _config(scene: Scene, provider: str, model: str) -> dict[str, str]:
    if not model:
        return {}
    return {"model" if provider == "voyageai" or numbers(scene.version) < (0, 193) else "model_name": model}


def dimension(session: Session, scene: Scene, late: Child, asked: int | None) -> None:
    """Whether the embedder's vectors fit the table that is there. The table is only looked at."""
    with session.check("dimension") as check:
        stored = late.answer(session.seconds)["length"]
        if scene.stage.mirrors:
            check.skipped("a copy holds no records of yours")
            return
        if stored is None:
            check.skipped(f"nothing has been stored in {scene.directory} yet")
            return
        provider, model = embedder_of(scene)
        length = asked or LENGTHS.get(model)
        if length is None or (scene.subject.memory is None and asked is None):
            check.skipped(f"the store holds vectors of {stored}; which embedder the application uses is not known here")
        elif length == stored:
            check.passed(f"the store holds vectors of {stored}, as {provider} {model} makes them")
        else:
            check.failed(
                f"the store holds vectors of {stored}, {provider} {model} makes {length}: every save and recall fails",
                remedy="Go back to the embedder that wrote the store, or start a new store")
