"""The joins: service → command → module → entry point → memory, and what that process finds around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from crewmem_doctor.model.code import Code, EnvWrite, Module, ServerRun
from crewmem_doctor.model.deployment import Process, Service
from crewmem_doctor.model.expression import Surroundings, evaluate, join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.memory import Memory, Reach
from crewmem_doctor.model.project import Run

WEB = frozenset({"http", "socket", "bot", "ui"})
WORKERS = frozenset({"celery", "rq", "dramatiq", "arq", "huey"})


def link(
    code: Code, memories: Iterable[Memory], services: Iterable[Service], python: Iterable[str] = ()
) -> tuple[tuple[Run, ...], tuple[Service, ...]]:
    """Every memory in every service that runs it, and the services with what their scripts' own server calls add.

    `python` are all Python files of the tree: a command that names one of them without any CrewAI runs no memory.
    """
    joiner = Joiner(code, tuple(memories), python)
    linked = [joiner.with_server_calls(service) for service in services]
    runs: list[Run] = []
    for service in linked:
        if not service.backing:
            runs.extend(joiner.runs(service))
    return tuple(runs), tuple(linked)


class Joiner:
    """Looks modules up by dotted name and by their place in a container."""

    def __init__(self, code: Code, memories: tuple[Memory, ...], python: Iterable[str] = ()) -> None:
        self.code = code
        self.memories = memories
        self.files = {*python, *(m.path for m in code.modules)}
        self.paths = {m.path: m for m in code.modules}
        self.by_name: dict[str, list[str]] = {}
        for module in code.modules:
            for name in module.names:
                self.by_name.setdefault(name, []).append(module.path)

    # --- what a process loads

    def targets(self, service: Service, process: Process) -> list[str]:
        """The scanned modules that the command names."""
        target = process.target.split(":", 1)[0].strip()
        if not target:
            return []
        if target.endswith(".py") or "/" in target:
            return self._by_file(service, process, target)
        found = self._by_file(service, process, target.replace(".", "/") + ".py")
        found = found or self._by_file(service, process, target.replace(".", "/") + "/__init__.py")
        if process.server == "python" and process.words and "-m" in process.words:
            found = self._by_file(service, process, target.replace(".", "/") + "/__main__.py") or found
        return found or self._nearest(service, self.by_name.get(target, []))

    def _by_file(self, service: Service, process: Process, relative: str) -> list[str]:
        folders = [process.directory] if process.directory else []
        workdir = service.workdir.value if isinstance(service.workdir, Known) else ""
        path_setting = service.environment.lookup("PYTHONPATH")
        search = [workdir, *(path_setting.value.split(":") if isinstance(path_setting, Known) else [])]
        for folder in [*folders, *search]:
            inside = join_path(workdir or "/", folder or ".", relative)
            for path in self.in_tree(service, inside):
                if path in self.files:
                    return [path]
        context = service.context.strip("/")
        guesses = [join_path(context, relative)] if context else [relative.lstrip("./")]
        matches = [p for p in guesses if p in self.files]
        tail = "/" + relative.lstrip("./")
        return matches or self._nearest(service, [p for p in self.files if ("/" + p).endswith(tail)])

    def _nearest(self, service: Service, paths: list[str]) -> list[str]:
        """Where several modules answer to a name: those under the service's build context, then the shortest path."""
        context = service.context.strip("/")
        inside = [p for p in paths if not context or p.startswith(context + "/")]
        return sorted(inside or paths, key=lambda p: (p.count("/"), p))[:1]

    def in_tree(self, service: Service, inside: str) -> list[str]:
        """The tree's paths for a path in the container, the last copy or bind mount first."""
        out: list[str] = []
        for copied in reversed(service.copies):
            target = copied.target.rstrip("/")
            if inside == target:
                out.append(copied.source.strip("/"))
            elif inside.startswith(target + "/") or not target:
                rest = inside[len(target) :].lstrip("/")
                out.append(join_path(copied.source or ".", rest).lstrip("/"))
        return [p.removeprefix("./") for p in out]

    def in_container(self, service: Service, path: str) -> Answer[str]:
        """The directory in the running container of the scanned module at `path`."""
        folder = path.rsplit("/", 1)[0] if "/" in path else ""
        best: tuple[int, str] | None = None
        for copied in service.copies:
            source = copied.source.strip("/").removeprefix("./")
            source = "" if source == "." else source
            if path == source:
                candidate = (len(source) + 1, copied.target.rsplit("/", 1)[0] or "/")
            elif not source or folder == source or folder.startswith(source + "/"):
                candidate = (len(source), join_path(copied.target, folder[len(source) :].lstrip("/")))
            else:
                continue
            if best is None or candidate[0] >= best[0]:
                best = candidate
        if best is not None:
            return Known(best[1])
        return Unknown(f"where {path} lies in {service.id} is not known")

    def closure(self, starts: Iterable[str]) -> set[str]:
        """The scanned modules that loading `starts` brings in, imports inside functions too."""
        return self._follow(starts, lambda module: (*module.imports, *module.lazy_imports))

    def at_import(self, starts: Iterable[str]) -> set[str]:
        """Those that are imported before the first call."""
        return self._follow(starts, lambda module: module.imports)

    def _follow(self, starts: Iterable[str], onward: Callable[[Module], Iterable[str]]) -> set[str]:
        """Importing a module also runs the `__init__` of every package it lies in."""
        seen: set[str] = set()
        queue = list(starts)
        while queue:
            path = queue.pop()
            if path in seen or path not in self.paths:
                continue
            seen.add(path)
            folders = path.split("/")[:-1]
            queue.extend("/".join((*folders[:depth], "__init__.py")) for depth in range(1, len(folders) + 1))
            queue.extend(onward(self.paths[path]))
        return seen

    # --- which memories a service runs

    def runs(self, service: Service) -> list[Run]:
        out: dict[int, Run] = {}
        traced = False
        for process in service.processes:
            starts = self.targets(service, process)
            if not starts:
                continue
            traced = True
            for run in self._of_process(service, process, starts):
                out.setdefault(id(run.memory), run)
        if not traced:
            for run in self._of_image(service):
                out.setdefault(id(run.memory), run)
        return list(out.values())

    def _of_process(self, service: Service, process: Process, starts: list[str]) -> Iterable[Run]:
        loaded = self._loaded(service, process, starts)
        imported = self.at_import(starts)
        for memory in self.memories:
            reaches = tuple(r for r in memory.handlers if self._served(r, process, loaded, starts))
            at_import = memory.level != "function" and memory.at.path in imported
            script = (
                process.server not in WORKERS
                and memory.at.path in loaded
                and not any(r.entry.kind != "script" for r in memory.handlers)
                and memory.level == "module"
            )
            if reaches or script or (at_import and memory.kind != "conversation"):
                yield Run(
                    memory, service, process, self.surroundings(service, process, imported), reaches, True, at_import
                )

    def _loaded(self, service: Service, process: Process, starts: list[str]) -> set[str]:
        """Frameworks that find modules by themselves (Celery, Django) load the whole project part."""
        loaded = self.closure(starts)
        finds_itself = process.server in ("celery", "django", "dramatiq", "huey") or any(
            p.rsplit("/", 1)[-1] in ("manage.py", "wsgi.py", "asgi.py") for p in starts
        )
        if finds_itself:
            root = min((p.rsplit("/", 1)[0] if "/" in p else "" for p in starts), key=len)
            root = (
                "/".join(root.split("/")[:-1])
                if process.server == "celery" or "wsgi" in process.target or "asgi" in process.target
                else root
            )
            context = service.context.strip("/").removeprefix(".")
            root = root if not context or root.startswith(context) else context
            loaded |= {p for p in self.paths if not root or p.startswith(root + "/")}
        return loaded

    def _served(self, reach: Reach, process: Process, loaded: set[str], starts: list[str]) -> bool:
        entry = reach.entry
        if entry.at.path not in loaded or reach.queued:
            return False
        if process.server in WORKERS:
            return entry.kind == "task"
        if entry.kind == "task":
            return False
        if entry.kind == "script":
            return entry.at.path in starts
        return entry.kind in WEB or entry.kind == "function"

    def _of_image(self, service: Service) -> Iterable[Run]:
        """The command is not traced: every memory in the code that the image holds, but not surely."""
        if service.processes and all(p.server not in ("unknown", "python") and not p.target for p in service.processes):
            return
        for memory in self.memories:
            held = any(_under(memory.at.path, copied.source) for copied in service.copies)
            if held and not self._archived(memory):
                process = service.processes[0] if service.processes else None
                yield Run(memory, service, process, self.surroundings(service, process, set()), memory.handlers, False)

    def _archived(self, memory: Memory) -> bool:
        module = self.paths.get(memory.at.path)
        return bool(module and module.archived)

    # --- what a process finds around it

    def surroundings(self, service: Service, process: Process | None, imported: set[str]) -> Surroundings:
        cwd = self._cwd(service, process)
        given = {s.name: s.value for s in process.environment} if process else {}

        def plain(name: str) -> Answer[str] | None:
            return given[name] if name in given else service.environment.lookup(name)

        home = plain("HOME") or service.user.home

        def source(path: str) -> Answer[str]:
            return self.in_container(service, path if path.endswith(".py") else path.rstrip("/") + "/.")

        bare = Surroundings(cwd=cwd, home=home, variable=plain, source=source)
        written = _written(self.code.env_writes, imported, bare, plain)

        def variable(name: str) -> Answer[str] | None:
            return written[name] if name in written else plain(name)

        tempdir = plain("TMPDIR") or Known("/tmp")
        return Surroundings(cwd=cwd, home=variable("HOME") or home, variable=variable, source=source, tempdir=tempdir)

    def _cwd(self, service: Service, process: Process | None) -> Answer[str]:
        directory = process.directory if process else ""
        if process and directory and "--app-dir" not in process.words:
            if directory.startswith("/"):
                return Known(directory)
            if isinstance(service.workdir, Known):
                return Known(join_path(service.workdir.value, directory))
        return service.workdir

    # --- servers started by code

    def with_server_calls(self, service: Service) -> Service:
        """`python main.py` whose code says `uvicorn.run("app.main:app", workers=4)` runs what that call says."""
        processes = tuple(self._with_call(service, process) for process in service.processes)
        return replace(service, processes=processes) if processes != service.processes else service

    def _with_call(self, service: Service, process: Process) -> Process:
        if process.server != "python":
            return process
        starts = self.targets(service, process)
        call = next((c for c in self.code.server_runs if c.at.path in starts), None)
        if call is None:
            return process
        workers = _call_workers(call, service)
        return replace(
            process,
            server=call.server,
            workers=workers or process.workers,
            workers_at=call.at if workers else process.workers_at,
            reload=call.reload or process.reload,
        )


def _call_workers(call: ServerRun, service: Service) -> Answer[int] | None:
    if call.workers_env:
        answer = service.environment.lookup(call.workers_env)
        if isinstance(answer, Known) and answer.value.isdigit():
            return Known(int(answer.value), answer.at)
        if isinstance(answer, Unknown):
            return answer
    return call.workers


def _under(path: str, source: str) -> bool:
    folder = source.strip("/").removeprefix("./")
    return folder in ("", ".") or path == folder or path.startswith(folder + "/")


def _written(
    writes: Iterable[EnvWrite], imported: set[str], around: Surroundings, plain: Callable[[str], Answer[str] | None]
) -> Mapping[str, Answer[str]]:
    """What the code itself puts into the environment. A `setdefault` yields to what the deployment sets."""
    out: dict[str, Answer[str]] = {}
    for write in writes:
        if imported and write.at.path not in imported and write.at_import:
            continue
        if write.weak and (write.name in out or plain(write.name) is not None):
            continue
        answer = evaluate(write.value, around)
        out[write.name] = replace(answer, at=write.at)
    return out
