"""Between the tree and a running container: which scanned file lies where, and which file a command names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from crewmem_doctor.model.code import Code, Module, ServerRun
from crewmem_doctor.model.deployment import Process, Service
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown


class Files:
    """Looks modules up by dotted name and by their place in a container.

    `python` are all Python files of the tree: a command that names one of them without any CrewAI runs no memory.
    """

    def __init__(self, code: Code, python: Iterable[str] = ()) -> None:
        self.code = code
        self.files = {*python, *(m.path for m in code.modules)}
        self.modules = {m.path: m for m in code.modules}
        self.by_name: dict[str, list[str]] = {}
        for module in code.modules:
            for name in module.names:
                self.by_name.setdefault(name, []).append(module.path)

    def targets(self, service: Service, process: Process) -> list[str]:
        """The scanned modules that the command names: what the server loads, and the script that starts the server."""
        found = self._named(service, process, process.target)
        for word in process.words if process.server != "python" else ():
            if word.endswith(".py"):
                found += [p for p in self._by_file(service, process, word) if p not in found]
        return found

    def _named(self, service: Service, process: Process, target: str) -> list[str]:
        target = target.split(":", 1)[0].strip()
        if not target:
            return []
        if target.endswith(".py") or "/" in target:
            return self._by_file(service, process, target)
        path = target.replace(".", "/")
        endings = ["/__main__.py"] if ("-m", target) in zip(process.words, process.words[1:], strict=False) else []
        for ending in (*endings, ".py", "/__init__.py"):
            found = self._by_file(service, process, path + ending)
            if found:
                return found
        return self._nearest(service, self.by_name.get(target, []))

    def _by_file(self, service: Service, process: Process, relative: str) -> list[str]:
        workdir = service.workdir.value if isinstance(service.workdir, Known) else ""
        setting = service.environment.get("PYTHONPATH")
        more = setting.value.value.split(":") if setting and isinstance(setting.value, Known) else []
        for folder in [process.directory or ".", workdir or ".", *more]:
            inside = join_path(workdir or "/", folder or ".", relative)
            found = next((path for path in in_tree(service, inside) if path in self.files), None)
            if found is not None:
                return [found]
        guess = join_path(service.context.strip("/"), relative) if service.context.strip("/") else relative.lstrip("./")
        if guess in self.files:
            return [guess]
        tail = "/" + relative.lstrip("./")
        return self._nearest(service, [p for p in self.files if ("/" + p).endswith(tail)])

    def _nearest(self, service: Service, paths: list[str]) -> list[str]:
        """Where several modules answer to a name: those under the service's build context, then the shortest path."""
        context = service.context.strip("/")
        inside = [p for p in paths if not context or p.startswith(context + "/")]
        return sorted(inside or paths, key=lambda p: (p.count("/"), p))[:1]

    def closure(self, starts: Iterable[str]) -> set[str]:
        """The scanned modules that loading `starts` brings in, imports inside functions too."""
        return self._follow(starts, lambda module: (*module.imports, *module.lazy_imports))

    def at_import(self, starts: Iterable[str], target: str = "") -> set[str]:
        """Those that are imported before the first call. A server may be told to call a factory: "app:create_app()"."""
        named = target.partition(":")[2].removesuffix("()").strip()
        modules = [self.modules[path] for path in starts if path in self.modules]
        made = [path for module in modules for name, paths in module.factories if name == named for path in paths]
        return self._follow([*(m.path for m in modules), *made], lambda module: module.imports)

    def _follow(self, starts: Iterable[str], onward: Callable[[Module], Iterable[str]]) -> set[str]:
        """Importing a module also runs the `__init__` of every package it lies in."""
        seen: set[str] = set()
        queue = list(starts)
        while queue:
            path = queue.pop()
            if path in seen or path not in self.modules:
                continue
            seen.add(path)
            folders = path.split("/")[:-1]
            queue.extend("/".join((*folders[:depth], "__init__.py")) for depth in range(1, len(folders) + 1))
            queue.extend(onward(self.modules[path]))
        return seen

    def with_server_calls(self, service: Service) -> Service:
        """`python main.py` whose code says `uvicorn.run("app.main:app", workers=4)` runs what that call says."""
        processes = tuple(self._with_call(service, process) for process in service.processes)
        return replace(service, processes=processes) if processes != service.processes else service

    def _with_call(self, service: Service, process: Process) -> Process:
        if process.server != "python":
            return process
        starts = self.targets(service, process)
        loaded = self.closure(starts) - set(starts)
        calls = [c for c in self.code.server_runs if c.at.path in starts] or [
            c for c in self.code.server_runs if c.at.path in loaded]
        if not calls:
            return process
        call, workers = calls[0], _call_workers(calls[0], service)
        return replace(
            process, server=call.server, target=call.target or process.target, workers=workers or process.workers,
            workers_at=call.at if workers else process.workers_at, reload=call.reload or process.reload)


def _call_workers(call: ServerRun, service: Service) -> Answer[int] | None:
    if call.workers_env:
        answer = service.environment.lookup(call.workers_env)
        if isinstance(answer, Known) and answer.value.isdigit():
            return Known(int(answer.value), answer.at)
        if isinstance(answer, Unknown):
            return answer
    return call.workers


def in_tree(service: Service, inside: str) -> list[str]:
    """The tree's paths for a path in the container, the last copy or bind mount first."""
    out: list[str] = []
    for copied in reversed(service.copies):
        target = copied.target.rstrip("/")
        if inside == target:
            out.append(copied.source.strip("/"))
        elif inside.startswith(target + "/") or not target:
            rest = inside[len(target):].lstrip("/")
            out.append(join_path(copied.source or ".", rest).lstrip("/"))
    return [p.removeprefix("./") for p in out]


def in_container(service: Service, path: str) -> Answer[str]:
    """The directory in the running container of the scanned module at `path`."""
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    best: tuple[int, str] | None = None
    for copied in service.copies:
        source = copied.source.strip("/").removeprefix("./")
        source = "" if source == "." else source
        if path == source:
            candidate = (len(source) + 1, copied.target.rsplit("/", 1)[0] or "/")
        elif not source or folder == source or folder.startswith(source + "/"):
            candidate = (len(source), join_path(copied.target, folder[len(source):].lstrip("/")))
        else:
            continue
        if best is None or candidate[0] >= best[0]:
            best = candidate
    if best is not None:
        return Known(best[1])
    for copied in service.copies:
        # A folder above what is copied: `COPY app ./app` below /srv makes /srv the folder that holds `app`.
        source = copied.source.strip("/").removeprefix("./")
        below = "/" + (source[len(folder) + 1:] if folder else source)
        target = copied.target.rstrip("/")
        if source and (not folder or source.startswith(folder + "/")) and target.endswith(below):
            return Known(target.removesuffix(below) or "/")
    return Unknown(f"where {path} lies in {service.id} is not known")


def holds(service: Service, path: str) -> bool:
    """Whether a copy or bind mount brings that file of the tree into the container."""
    for copied in service.copies:
        folder = copied.source.strip("/").removeprefix("./")
        if folder in ("", ".") or path == folder or path.startswith(folder + "/"):
            return True
    return False
