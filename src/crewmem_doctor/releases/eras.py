"""The designs that memory went through."""

from __future__ import annotations

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, span


@dataclass(frozen=True, slots=True)
class Era:
    """`id` is E0 to E5. `legacy` says that short-term, long-term and entity memory are classes of their own; `unified`
    that one `Memory` replaced them."""

    id: str
    design: str
    legacy: bool = False
    unified: bool = False


ERAS: tuple[Span[Era], ...] = (
    span(Era("E0", "no memory at all"), "", "0.27.0", "0.22.5 has no crewai/memory, 0.27.2 has"),
    span(Era("E1", "short-term memory is emptied whenever a crew is built", legacy=True), "0.27.0", "0.74.0",
         "0.28.8 memory/storage/rag_storage.py:72-73, 0.67.1:80, 0.70.1 _initialize_app; gone in 0.74.0"),
    span(Era("E2", "one Chroma database per kind of memory and list of roles", legacy=True), "0.74.0", "0.193.0",
         "0.130.0 memory/storage/rag_storage.py:40-75; ran 0.130.0"),
    span(Era("E3", "one Chroma database for all, the collection's name holds the roles", legacy=True),
         "0.193.0", "1.10.0", "0.193.0 rag_storage.py calls get_rag_client, 0.186.1 does not; ran 0.203.2, 1.9.3"),
    span(Era("E4", "one unified Memory over LanceDB", unified=True), "1.10.0", "1.15.0",
         "1.10.1 memory/unified_memory.py, the four classes are deleted; ran 1.10.1, 1.14.7"),
    span(Era("E5", "one unified Memory over LanceDB, another default embedder", unified=True), "1.15.0", None,
         "1.15.0 rag/embeddings/providers/openai/openai_provider.py:34; ran 1.15.30"),
)


def era(version: Version) -> Era:
    return next(s.value for s in ERAS if s.covers(version))
