"""The embedder given to a memory, and the models of the agents around it."""

from __future__ import annotations

from crewmem_doctor.facts.python.survey import as_text, root
from crewmem_doctor.model.expression import Build, Choice, Concat, EnvVar, Expr, Opaque, Table, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Embedder

# LangChain's and other chat classes → the prefix that LiteLLM uses for their provider.
_CHATS = {
    "ChatAnthropic": "anthropic",
    "ChatGoogleGenerativeAI": "gemini",
    "GoogleGenerativeAI": "gemini",
    "ChatGroq": "groq",
    "ChatOllama": "ollama",
    "Ollama": "ollama",
    "OllamaLLM": "ollama",
    "ChatMistralAI": "mistral",
    "ChatBedrock": "bedrock",
    "ChatBedrockConverse": "bedrock",
    "BedrockLLM": "bedrock",
    "AzureChatOpenAI": "azure",
    "ChatOpenAI": "openai",
    "ChatVertexAI": "vertex_ai",
    "VertexAI": "vertex_ai",
    "ChatCohere": "cohere",
    "ChatDeepSeek": "deepseek",
    "ChatNVIDIA": "nvidia_nim",
    "ChatFireworks": "fireworks_ai",
    "ChatTogether": "together_ai",
    "ChatXAI": "xai",
    "HuggingFaceEndpoint": "huggingface",
    "ChatHuggingFace": "huggingface",
    "ChatOpenRouter": "openrouter",
    "ChatLiteLLM": "",
    "AzureAICompletion": "azure",
    "AnthropicCompletion": "anthropic",
    "GeminiCompletion": "gemini",
    "OpenAICompletion": "openai",
    "BedrockCompletion": "bedrock",
}
_HOSTS = {
    "openrouter.ai": "openrouter",
    "groq.com": "groq",
    "deepseek.com": "deepseek",
    "localhost:11434": "ollama",
    ":11434": "ollama",
    "mistral.ai": "mistral",
    "x.ai": "xai",
    "dashscope": "dashscope",
    "moonshot": "moonshot",
    "bigmodel": "zhipu",
    "volces.com": "volcengine",
    "siliconflow": "siliconflow",
    "nvidia.com": "nvidia_nim",
}


def embedder_of(value: Expr | None, at: Location | None) -> Embedder | None:
    """None where none was given, so CrewAI takes OpenAI's."""
    if value is None or (isinstance(value, Text) and value.value is None):
        return None
    if isinstance(value, Table):
        provider = value.get("provider")
        config = value.get("config")
        keyed = any("key" in k.lower() or "token" in k.lower() for k, _ in value.items) or (
            isinstance(config, Table) and any("key" in k.lower() for k, _ in config.items)
        )
        return Embedder(
            provider if provider is not None else Opaque("the embedder names no provider", value.at),
            at,
            keyed,
            _model(config) or _model(value),
        )
    if isinstance(value, Build):
        return Embedder(value, at, any("key" in k.lower() for k, _ in value.kwargs))
    if isinstance(value, Choice):
        options = [found for found in (embedder_of(o, at) for o in value.options) if found is not None]
        providers = tuple(o.provider for o in options if o.provider is not None)
        if len(options) == len(value.options) == 1 or (options and all(p == providers[0] for p in providers)):
            return options[0]
        # `embedder=config or None`: with and without are both possible, and neither is certain.
        return Embedder(
            Choice(providers, value.fallback, value.at) if providers else value, at, any(o.has_key for o in options)
        )
    return Embedder(value, at)


def _model(config: Expr | None) -> Expr | None:
    if not isinstance(config, Table):
        return None
    return next((f for f in map(config.get, ("model_name", "model", "deployment_id")) if f is not None), None)


def models_of(value: Expr | None, at: Location) -> list[tuple[str, Location]]:
    """The model strings of an `llm=` argument, with the provider as prefix where the class tells it."""
    if isinstance(value, Text):
        return [(value.value, value.at or at)] if isinstance(value.value, str) and value.value else []
    if isinstance(value, EnvVar):
        return models_of(value.default, value.at or at)
    if isinstance(value, Choice):
        return [found for option in value.options for found in models_of(option, at)]
    if isinstance(value, Concat):
        head = as_text(value.parts[0]) if value.parts else None
        # `f"ollama/{model}"`: the provider is enough.
        return [(f"{head}…", value.at or at)] if head and "/" in head else []
    if isinstance(value, Build):
        return _of_class(value, value.at or at)
    return []


def _of_class(value: Build, at: Location) -> list[tuple[str, Location]]:
    word = value.callee.rsplit(".", 1)[-1]
    model = next(
        (
            m
            for m in (value.argument("model", 0), value.argument("model_name"), value.argument("azure_deployment"))
            if m is not None
        ),
        None,
    )
    if word == "LLM" and root(value.callee) == "crewai":
        provider = as_text(value.argument("provider"))
        found = models_of(model, at)
        return [(f"{provider}/{m}" if provider and "/" not in m else _hosted(m, value), where) for m, where in found]
    prefix = _CHATS.get(word)
    if prefix is None:
        return []
    names = [m for m, _ in models_of(model, at)] or [""]
    return [
        (_hosted(f"{prefix}/{name}" if prefix and not name.startswith(f"{prefix}/") else name, value), at)
        for name in names
    ]


def _hosted(model: str, value: Build) -> str:
    """OpenAI's client pointed at someone else's host speaks to that provider."""
    url = (
        next((t for t in (as_text(value.argument(n)) for n in ("base_url", "openai_api_base", "api_base")) if t), "")
        or ""
    )
    provider = next((p for host, p in _HOSTS.items() if host in url), "")
    if provider and not model.startswith(f"{provider}/"):
        return f"{provider}/{model.removeprefix('openai/')}"
    return model
