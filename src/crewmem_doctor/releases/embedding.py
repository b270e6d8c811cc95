"""The embedder that memory uses, and the credentials it needs."""

from __future__ import annotations

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Outcome, Span, Verdict, on, span


@dataclass(frozen=True, slots=True)
class DefaultEmbedder:
    provider: str
    model: str
    dimensions: int


DEFAULTS: tuple[Span[DefaultEmbedder], ...] = (
    span(DefaultEmbedder("openai", "text-embedding-ada-002", 1536), "0.27.0", "0.74.0", "embedchain's default"),
    span(DefaultEmbedder("openai", "text-embedding-3-small", 1536), "0.74.0", "1.10.0",
         "0.86.0 rag_storage.py:146-153, 1.9.3 rag/chromadb/config.py:60-65"),
    span(DefaultEmbedder("openai", "text-embedding-ada-002", 1536), "1.10.0", "1.15.0",
         "1.10.1 to 1.14.7 openai_provider.py:26"),
    span(DefaultEmbedder("openai", "text-embedding-3-large", 3072), "1.15.0", None,
         "1.15.0 rag/embeddings/providers/openai/openai_provider.py:34"),
)
# What happens where the default embedder finds no key.
_MISSING: tuple[Span[tuple[Outcome, str]], ...] = (
    span(("fails-at-save", "CrewAI sets the key to \"fake\", so every save is refused by OpenAI and only logged"),
         "0.27.0", "0.74.0", "0.63.6 memory/storage/rag_storage.py:45-48"),
    span(("rejected", "building the crew raises a ValueError"), "0.74.0", "0.193.0", "ran 0.130.0"),
    span(("fails-at-save", "every save and search fails and is only logged, and the kickoff still succeeds"),
         "0.193.0", "1.10.0", "ran 0.203.2, 1.9.3"),
    span(("fails-at-save", "every save fails without an exception, an event or a log line, and the kickoff still"
          " succeeds"),
         "1.10.0", "1.15.0", "1.14.7 memory/unified_memory.py:608-613; ran 1.14.7, 1.10.1"),
    span(("fails-at-save", "every save fails with an event that nobody prints, and the kickoff still succeeds"),
         "1.15.0", None, "ran 1.15.30"),
)
_OPENAI = ("OPENAI_API_KEY", "EMBEDDINGS_OPENAI_API_KEY", "CHROMA_OPENAI_API_KEY")
# Any one of a provider's variables is enough; () needs none.
_MODERN: dict[str, tuple[str, ...]] = {
    "openai": _OPENAI,
    "azure": ("OPENAI_API_KEY", "EMBEDDINGS_OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"),
    # AWS also finds credentials in places that no file shows.
    "oracle": (),
    "cohere": ("COHERE_API_KEY", "EMBEDDINGS_COHERE_API_KEY", "CHROMA_COHERE_API_KEY"),
    "google-generativeai": ("GOOGLE_API_KEY", "GEMINI_API_KEY", "EMBEDDINGS_GOOGLE_API_KEY"),
    "google-vertex": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_API_KEY",
                      "GOOGLE_API_KEY", "EMBEDDINGS_GOOGLE_CLOUD_API_KEY", "EMBEDDINGS_GOOGLE_CLOUD_PROJECT"),
    "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN", "EMBEDDINGS_HUGGINGFACE_API_KEY"),
    "jina": ("JINA_API_KEY", "EMBEDDINGS_JINA_API_KEY", "CHROMA_JINA_API_KEY"),
    "voyageai": ("VOYAGEAI_API_KEY", "VOYAGE_API_KEY", "EMBEDDINGS_VOYAGEAI_API_KEY"),
    "watsonx": ("WATSONX_API_KEY", "EMBEDDINGS_WATSONX_API_KEY", "WATSONX_TOKEN", "EMBEDDINGS_WATSONX_TOKEN"),
    "roboflow": ("ROBOFLOW_API_KEY", "EMBEDDINGS_ROBOFLOW_API_KEY"),
    "openrouter": ("OPENROUTER_API_KEY",),
    **dict.fromkeys(("custom", "instructor", "ollama", "onnx", "openclip", "sentence-transformer", "text2vec"), ()),
}
# Up to 0.200 only OpenAI's variable was read; the others took their key from the configuration alone.
_EARLY: dict[str, tuple[str, ...]] = {"openai": _OPENAI, "ollama": (), "custom": (), "huggingface": ()}
_FROM_074 = "0.86.0 utilities/embedding_configurator.py, 0.75.1 rag_storage.py"
_FACTORY = "0.201.1 and 1.15.30 rag/embeddings/factory.py"
PROVIDERS: dict[str, tuple[Span[None], ...]] = {
    **dict.fromkeys(("openai", "azure", "ollama", "cohere", "huggingface"), (span(None, "0.27.0", None, _FROM_074),)),
    "google": (span(None, "0.27.0", "0.201.0", _FROM_074), span(None, "1.6.0", None, "1.6.0 factory.py")),
    **dict.fromkeys(("bedrock", "vertexai"), (span(None, "0.27.0", "0.201.0", _FROM_074),)),
    "custom": (span(None, "0.105.0", None, "0.108.0 utilities/embedding_configurator.py"),),
    "voyageai": (span(None, "0.95.0", None, "0.98.0 utilities/embedding_configurator.py"),),
    **dict.fromkeys(("openrouter", "oracle"), (span(None, "1.15.21", None, "1.15.24 has them, 1.15.20 has not"),)),
    "watson": (span(None, "0.79.0", "1.0.0", "0.79.4 to 0.203.2"),),
    "watsonx": (span(None, "0.201.0", None, "0.201.1 rag/embeddings/factory.py"),),
    **dict.fromkeys(
        ("amazon-bedrock", "google-generativeai", "google-vertex", "instructor", "jina", "onnx", "openclip", "roboflow",
         "sentence-transformer", "text2vec"), (span(None, "0.177.0", None, _FACTORY),)),
}
# The first part of a LiteLLM model string, and bare model names.
_LLM_PREFIXES: dict[str, str] = {
    "openai": "openai", "azure": "azure", "azure_ai": "azure", "anthropic": "anthropic", "gemini": "gemini",
    "google": "gemini", "vertex_ai": "vertex", "groq": "groq", "ollama": "ollama", "ollama_chat": "ollama",
    "mistral": "mistral", "bedrock": "bedrock", "openrouter": "openrouter", "deepseek": "deepseek", "cohere": "cohere",
    "cohere_chat": "cohere", "together_ai": "together", "fireworks_ai": "fireworks", "nvidia_nim": "nvidia",
    "huggingface": "huggingface", "watsonx": "watsonx", "cerebras": "cerebras", "sambanova": "sambanova", "xai": "xai",
    "perplexity": "perplexity", "databricks": "databricks", "lm_studio": "local", "hosted_vllm": "local",
    "snowflake": "snowflake",
}
_LLM_NAMES = (("gpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"), ("chatgpt", "openai"),
              ("claude", "anthropic"), ("gemini", "gemini"), ("mistral", "mistral"), ("llama", "unknown"))


def default_embedder(version: Version) -> Span[DefaultEmbedder] | None:
    return on(DEFAULTS, version)


def without_key(version: Version) -> Verdict | None:
    """What becomes of memory where the default embedder has no key."""
    found = on(_MISSING, version)
    return Verdict(found.value[0], found.value[1], found.evidence) if found else None


def provider_known(version: Version, provider: str) -> bool | None:
    """Whether `embedder={"provider": provider}` is known to that release; None for names that are not in the table,
    or before 0.74, where embedchain decided."""
    spans = PROVIDERS.get(provider.lower())
    if spans is None or version < Version(0, 74, 0):
        return None
    return on(spans, version) is not None


def key_variables(version: Version, provider: str | None) -> tuple[str, ...] | None:
    """The variables of which any one gives `provider` (None: the default) its credentials.

    () where it needs none, None where that release takes the key from elsewhere or it is not known.
    """
    name = (provider or "openai").lower()
    if name == "google":
        name = "google-generativeai"
    table = _MODERN if version >= Version(0, 201, 0) else _EARLY
    return table.get(name)


def llm_provider(model: str) -> str:
    """Who serves a model string: "gemini/gemini-2.0-flash" → "gemini", "gpt-4o" → "openai"; "" where not known."""
    prefix, slash, _ = model.strip().lower().partition("/")
    if slash:
        return _LLM_PREFIXES.get(prefix, "")
    found = next((provider for start, provider in _LLM_NAMES if prefix.startswith(start)), "")
    return "" if found == "unknown" else found
