"""For children only: what stands in for a provider of models, without any network, and the loop that obeys a Replica."""

import asyncio
import hashlib
import json
import math
import os
import re
import traceback

from crewai.llms.base_llm import BaseLLM

SIZE = 128


def embed(texts):
    """Texts with words in common are near each other, in every process and release."""
    vectors = []
    for text in texts:
        vector = [0.0] * SIZE
        for word in re.findall(r"\w+", text.lower()):
            vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % SIZE] += 1.0
        length = math.sqrt(sum(x * x for x in vector)) or 1.0
        vectors.append([x / length for x in vector])
    return vectors


def legacy_embedder():
    """The same as the embedder of releases before the unified memory, and of `Crew(embedder=…)`."""
    import numpy
    from chromadb.api.types import EmbeddingFunction
    from crewai.rag.embeddings.providers.custom.embedding_callable import CustomEmbeddingFunction

    class Words(CustomEmbeddingFunction, EmbeddingFunction):
        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, input):
            return [numpy.array(vector, dtype=numpy.float32) for vector in embed(input)]

    return {"provider": "custom", "config": {"embedding_callable": Words}}


class Says(BaseLLM):
    """Answers every call with one text and notes what it was asked."""

    def call(self, messages, *args, **kwargs):
        ASKED.append(messages if isinstance(messages, str) else "\n".join(str(m.get("content")) for m in messages))
        return ANSWER[0]

    async def acall(self, messages, *args, **kwargs):
        return self.call(messages)


ANSWER = ["done"]
ASKED = []


def llm(answer="done"):
    ANSWER[0] = answer
    return Says(model="none")


def obey(functions):
    """Do what each line of the input asks for. Answers go to the real output; whatever else prints goes to the errors."""
    commands, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # older releases ask whether to show traces, and would read a command
    for line in commands:
        asked = json.loads(line)
        try:
            value = functions[asked["do"]](**asked["with"])
            answer = {"value": asyncio.run(value) if asyncio.iscoroutine(value) else value}
        except BaseException as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()
    os._exit(0)
