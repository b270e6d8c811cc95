"""Runs fixed code inside an interpreter that has CrewAI. Its last line is JSON.

    real_child.py MODULE EXPRESSION …     evaluates expressions one after the other, each in its module; an exception is
                                          its name

The model answers with every codeword that it reads, so an answer shows what memory put into the prompt. The embedder
counts letters: texts of one language are alike, and nothing touches a network.
"""

import importlib
import importlib.util
import json
import os
import re
import sys
import types

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")
sys.path.insert(0, os.getcwd())


def vectors(texts):
    return [[1.0 + text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]


class _Server:
    """What FastAPI's decorators leave of a handler."""

    def post(self, path):
        return lambda function: function


def install():
    """The stand-ins, once CrewAI may be imported: what the fixed code sets before stays set before."""
    if importlib.util.find_spec("fastapi") is None:
        sys.modules["fastapi"] = types.ModuleType("fastapi")
        sys.modules["fastapi"].FastAPI = _Server
    standin = sys.modules["standin"] = types.ModuleType("standin")
    standin.__getattr__ = _attribute


def _attribute(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _standins()[name]


def _standins(made={}):  # noqa: B006
    if made:
        return made
    import crewai
    from crewai.llms.base_llm import BaseLLM

    class Echo(BaseLLM):
        def call(self, messages, *args, **kwargs):
            found = sorted(set(re.findall(r"codeword-\w+", str(messages))))
            return f"Thought: I know\nFinal Answer: {' '.join(found) or 'nothing'}"

    made["llm"] = Echo(model="echo")
    if hasattr(crewai, "Memory"):
        import crewai.memory

        class Local(crewai.Memory):
            def __init__(self, **given):
                super().__init__(**{"embedder": vectors, "llm": made["llm"], **given})

        crewai.Memory = crewai.memory.Memory = Local
    else:
        made["embedder"] = {"provider": "custom", "config": {"embedding_callable": _older()}}
    return made


def _older():
    import numpy
    from chromadb.api.types import EmbeddingFunction
    from crewai.rag.embeddings.providers.custom.embedding_callable import CustomEmbeddingFunction

    class Letters(CustomEmbeddingFunction, EmbeddingFunction):
        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, input):
            return [numpy.array(v, dtype=numpy.float32) for v in vectors(input)]

    return Letters


def outcome(module, expression):
    try:
        loaded = importlib.import_module(module)
        return str(eval(expression, vars(loaded)))  # the tests' own text
    except Exception as error:
        print(f"{module}: {error!r}", file=sys.stderr)
        return type(error).__name__


install()
words = sys.argv[1:]
print()
print(json.dumps([outcome(*pair) for pair in zip(words[::2], words[1::2], strict=True)]), flush=True)
