"""The joins: service → command → module → entry point → memory, and what that process finds around it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from crewmem_doctor.facts.link.around import PATH_VARIABLES, surroundings
from crewmem_doctor.facts.link.container import Files, holds
from crewmem_doctor.model.code import Code
from crewmem_doctor.model.deployment import Process, Service
from crewmem_doctor.model.memory import Memory, Reach
from crewmem_doctor.model.project import Run

__all__ = ["PATH_VARIABLES", "Files", "link"]

WEB = frozenset({"http", "socket", "bot", "ui", "function"})
WORKERS = frozenset({"celery", "rq", "dramatiq", "arq", "huey", "taskiq"})
# A front end: images without Python, and the programs that serve or build it there.
FRONT_ENDS = frozenset({"node", "bun", "deno", "nginx", "nginx-unprivileged", "httpd", "caddy"})
PROGRAMS = frozenset({
    "npm", "npx", "yarn", "pnpm", "bun", "bunx", "deno", "next", "vite", "nuxt", "ng", "serve", "http-server", "nginx",
    "httpd", "httpd-foreground", "caddy",
})


def link(code: Code, memories: Iterable[Memory], services: Iterable[Service], python: Iterable[str] = (),
         hinted: Collection[str] = ()) -> tuple[tuple[Run, ...], tuple[Service, ...]]:
    """Every memory in every service that runs it, and the services with what their scripts' own server calls add.

    `python` are all Python files of the tree, `hinted` the variables that its examples of environment files name.
    """
    joiner = Joiner(Files(code, python), tuple(memories), hinted)
    linked = [joiner.files.with_server_calls(service) for service in services]
    runs = [run for service in linked if not service.backing for run in joiner.runs(service)]
    return tuple(runs), tuple(linked)


class Joiner:
    """Decides which memories a service runs."""

    def __init__(self, files: Files, memories: tuple[Memory, ...], hinted: Collection[str]) -> None:
        self.files = files
        self.memories = memories
        self.hinted = hinted

    def runs(self, service: Service) -> list[Run]:
        """The first process that runs a memory stands for it; where no command can be traced, the image's content."""
        out: dict[int, Run] = {}
        traced = False
        for process in service.processes:
            starts = self.files.targets(service, process) or self._jobs(service, process)
            traced = traced or bool(starts) or _inline(process)
            for run in self._of_process(service, process, starts) if starts else ():
                out.setdefault(id(run.memory), run)
        for run in () if traced else self._of_image(service):
            out.setdefault(id(run.memory), run)
        return list(out.values())

    def _jobs(self, service: Service, process: Process) -> list[str]:
        """An RQ worker names no module: it imports whatever function a job names, so what the image holds of them."""
        jobs = {r.entry.at.path for m in self.memories for r in m.handlers
                if r.entry.kind == "task" and r.entry.framework in ("rq", "django_rq")}
        return sorted(path for path in jobs if holds(service, path)) if process.server == "rq" else []

    def _of_process(self, service: Service, process: Process, starts: list[str]) -> Iterable[Run]:
        loaded, imported = self._loaded(service, process, starts), self.files.at_import(starts)
        early = self._early(process, starts, loaded)
        around = surroundings(service, process, imported, self.files.code.env_writes, self.hinted)
        for memory in self.memories:
            reaches = tuple(r for r in memory.handlers if _served(r, process, loaded, starts))
            at_import = memory.level != "function" and memory.at.path in imported
            in_script = (memory.level == "module" and memory.at.path in loaded and not memory.served
                         and process.server not in WORKERS)
            if reaches or in_script or (at_import and memory.kind != "conversation"):
                makers = (memory.at.path,) if memory.level != "function" else memory.made_at_import
                early_made = any(path in early for path in makers)
                yield Run(memory, service, process, around, reaches, not service.guessed, early_made)

    def _early(self, process: Process, starts: list[str], loaded: set[str]) -> set[str]:
        """What the process imports when it starts: a task worker also the modules of all tasks."""
        tasks = {r.entry.at.path for m in self.memories for r in m.handlers if r.entry.kind == "task"} & loaded
        return self.files.at_import([*starts, *sorted(tasks)] if process.server in WORKERS else starts, process.target)

    def _loaded(self, service: Service, process: Process, starts: list[str]) -> set[str]:
        """Frameworks that find modules by name at run time (task queues, Django) load the whole project part."""
        loaded = self.files.closure(starts)
        django = any(path.rsplit("/", 1)[-1] in ("manage.py", "wsgi.py", "asgi.py") for path in starts)
        if not django and process.server not in WORKERS and process.server != "django":
            return loaded
        root = min((path.rpartition("/")[0] for path in starts), key=len)
        if process.server in WORKERS or "sgi" in process.target:
            root = root.rpartition("/")[0]
        context = service.context.strip("/").removeprefix(".")
        root = root if not context or root.startswith(context) else context
        return loaded | {p for p in self.files.modules if not root or p.startswith(root + "/")}

    def _of_image(self, service: Service) -> Iterable[Run]:
        """The command is not traced: every memory in the code that the image holds, but not surely."""
        if service.processes and all(p.server not in ("unknown", "python") and not p.target for p in service.processes):
            return
        if _is_front_end(service):
            return
        process = service.processes[0] if service.processes else None
        around = surroundings(service, process, set(), self.files.code.env_writes, self.hinted)
        for memory in self.memories:
            module = self.files.modules.get(memory.at.path)
            # What no program, handler or job of the tree ever builds is run by no command that was not traced either.
            built = memory.level != "function" or bool(memory.handlers)
            if built and holds(service, memory.at.path) and not (module and module.archived):
                yield Run(memory, service, process, around, memory.handlers, False)


def _is_front_end(service: Service) -> bool:
    """`npm run dev` in an image of Node: what of the tree lies beside it there is never loaded."""
    base = service.base_image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
    programs = {p.words[0].rpartition("/")[2] for p in service.processes if p.words}
    return base in FRONT_ENDS and not service.packages and bool(programs) and programs <= PROGRAMS


def _inline(process: Process) -> bool:
    """`python -c CODE` whose code imports nothing of the tree: it is known to run no memory."""
    return process.server == "python" and not process.target and "-c" in process.words


def _served(reach: Reach, process: Process, loaded: set[str], starts: list[str]) -> bool:
    entry = reach.entry
    if entry.at.path not in loaded or reach.queued:
        return False
    if process.server in WORKERS or entry.kind == "task":
        return process.server in WORKERS and entry.kind == "task"
    return entry.at.path in starts if entry.kind == "script" else entry.kind in WEB
