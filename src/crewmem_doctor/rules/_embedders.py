"""How an embedder of each provider is written, with the keys that its release reads."""

from __future__ import annotations

from crewmem_doctor.model.release import Release, Version

# Since then one typed table for each provider; before, `model` names the model, and Google's API is "google".
_TYPED = Version(0, 193, 0)
_CONFIGS = {
    "ollama": '"model_name": "nomic-embed-text", "url": "http://ollama:11434/api/embeddings"',
    "google-generativeai": '"model_name": "gemini-embedding-001", "api_key": os.environ["GEMINI_API_KEY"]',
    "google-vertex": '"model_name": "text-embedding-005", "project_id": os.environ["GOOGLE_CLOUD_PROJECT"]',
    "cohere": '"model_name": "embed-multilingual-v3.0", "api_key": os.environ["COHERE_API_KEY"]',
    "amazon-bedrock": '"model_name": "amazon.titan-embed-text-v2:0"',
    "huggingface": '"model_name": "sentence-transformers/all-MiniLM-L6-v2", "api_key": os.environ["HF_TOKEN"]',
    "azure": '"deployment_id": "text-embedding-3-small", "api_key": os.environ["AZURE_API_KEY"],\n'
             '    "api_base": os.environ["AZURE_API_BASE"], "api_version": os.environ["AZURE_API_VERSION"]',
    "watsonx": '"model_id": "ibm/granite-embedding-107m-multilingual", "url": os.environ["WATSONX_URL"],\n'
               '    "api_key": os.environ["WATSONX_APIKEY"], "project_id": os.environ["WATSONX_PROJECT_ID"]',
}
PROVIDERS = tuple(_CONFIGS)


def embedder(provider: str, release: Release) -> str:
    """`embedder={…}` as this release takes it."""
    config = _CONFIGS[provider]
    if release.always(lambda version: version < _TYPED):
        provider = "google" if provider == "google-generativeai" else provider
        config = config.replace('"model_name"', '"model"')
    return f'embedder={{"provider": "{provider}", "config": {{{config}}}}}'
