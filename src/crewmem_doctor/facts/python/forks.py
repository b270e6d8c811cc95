"""Child processes that the code itself forks, and the memories that they take over from their parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crewmem_doctor.facts.python.index import CallSite, Function
from crewmem_doctor.facts.python.survey import Survey, name_location, start_of
from crewmem_doctor.model.code import Fork
from crewmem_doctor.model.memory import EntryPoint, Memory

_STARTS = {
    "Process": ("multiprocessing.Process", "multiprocessing.context.Process", "billiard.Process"),
    "Pool": ("multiprocessing.Pool", "multiprocessing.pool.Pool", "billiard.Pool"),
    "ProcessPoolExecutor": ("concurrent.futures.ProcessPoolExecutor", "concurrent.futures.process.ProcessPoolExecutor"),
    "fork": ("os.fork",),
}
# What hands a function to a pool.
_HANDS = ("map", "starmap", "imap", "imap_unordered", "apply", "apply_async", "map_async", "starmap_async", "submit",
          "run_in_executor")


def forks(survey: Survey, memories: Iterable[Memory]) -> tuple[Fork, ...]:
    """Every fork whose child uses a memory made before it. A project that chooses to spawn has none."""
    early = [m for m in memories if m.store.kind == "path" and (m.level != "function" or m.made_at_import)]
    kept = {start_of(m.at): m for m in early}
    if not kept or _spawns(survey):
        return ()
    goals = [(kept[place], site) for site in survey.base.calls if (place := start_of(site.location)) in kept]
    found = []
    for word, names in _STARTS.items():
        for site in survey.calls(word):
            if site.callee in names and site.keyword("mp_context") is None:
                children = {f: EntryPoint("function", f.name, name_location(survey.base, f), f.dotted, word)
                            for f in _children(survey, site, word)}
                used = [memory.at for memory, goal in goals
                        if any(not chain.builds for chain in survey.base.chains(goal, children))]
                if used:
                    found.append(Fork(site.location, site.callee, tuple(sorted(set(used)))))
    return tuple(sorted(found, key=lambda f: f.at))


def _spawns(survey: Survey) -> bool:
    return any(
        survey.text(site.argument("method", 0), site.scope) in ("spawn", "forkserver")
        for site in survey.calls("set_start_method", "get_context"))


def _children(survey: Survey, site: CallSite, word: str) -> Iterator[Function]:
    """The functions that run in the child."""
    if word == "fork":
        yield site.scope.body
    elif word == "Process":
        function = survey.function(site.argument("target", 1), site.scope)
        if function is not None:
            yield function
    else:
        for other in survey.calls(*_HANDS):
            if other.scope.module is site.scope.module:
                for node in other.node.args:
                    function = survey.function(node, other.scope)
                    if function is not None:
                        yield function
