"""An embedder of the provider that serves the models, with what a person must fill in read from the environment: unset, the
program stops where memory is made, and says which name is missing."""

from __future__ import annotations

from crewmem_doctor.model.release import Release, Version

# Since then one typed table for each provider; before, `model` names the model, and Google's API is "google".
_TYPED = Version(0, 193, 0)
_CONFIGS: dict[str, tuple[tuple[str, str], ...]] = {
    "ollama": (("model_name", "OLLAMA_EMBEDDING_MODEL"), ("url", "OLLAMA_EMBEDDING_URL")),
    "google-generativeai": (("model_name", "GEMINI_EMBEDDING_MODEL"), ("api_key", "GEMINI_API_KEY")),
    "cohere": (("model_name", "COHERE_EMBEDDING_MODEL"), ("api_key", "COHERE_API_KEY")),
    "huggingface": (("model_name", "HF_EMBEDDING_MODEL"), ("api_key", "HF_TOKEN")),
}


def embedder(provider: str, release: Release) -> tuple[str, tuple[str, ...]] | None:
    """`{"provider": …}` as an expression, and the variables that it reads. None where it is not known how to write it."""
    config = _CONFIGS.get(provider)
    if config is None or release.ever(lambda v: v < _TYPED) != release.always(lambda v: v < _TYPED):
        return None
    early = release.always(lambda v: v < _TYPED)
    name = "google" if early and provider == "google-generativeai" else provider
    items = ",\n".join(f'"{"model" if early and key == "model_name" else key}": os.environ["{variable}"]' for key, variable in config)
    return f'{{"provider": "{name}", "config": {{  # to be filled in\n{items}}}}}', tuple(variable for _, variable in config)
