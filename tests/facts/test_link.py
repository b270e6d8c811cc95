"""The joins, on hand-made facts: which service runs which memory, and what it finds around it."""

from __future__ import annotations

from dataclasses import replace

from crewmem_doctor.facts.link import link
from crewmem_doctor.facts.link.container import in_container
from crewmem_doctor.facts.link.hints import started_scripts
from crewmem_doctor.model.code import Code, EnvWrite, Module, ServerRun
from crewmem_doctor.model.deployment import Copied, Environment, Process, Service, Setting
from crewmem_doctor.model.expression import Text
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach, Store

CREW = Location("app/crew.py", 7, 5)
HTTP = EntryPoint("http", "POST /chat", Location("app/main.py", 9), "app.main.chat", "fastapi")
TASK = EntryPoint("task", "task app.tasks.run", Location("app/tasks.py", 5), "app.tasks.run", "celery")
MODULES = (
    Module("app/crew.py", ("app.crew",)),
    Module("app/main.py", ("app.main",), imports=("app/crew.py",), lazy_imports=("app/tasks.py",)),
    Module("app/tasks.py", ("app.tasks",), imports=("app/crew.py",)),
    Module("serve.py", ("serve",), lazy_imports=("app/main.py",)),
)
PYTHON = ("app/crew.py", "app/main.py", "app/tasks.py", "other.py", "serve.py")


def memory(*reaches: Reach) -> Memory:
    return Memory("crew", CREW, "crewai.Crew", Store("path", "crewai's own default"), handlers=reaches, id="m1")


def service(name: str, process: Process | None, **more: object) -> Service:
    return Service(f"compose:{name}", name, "compose", Location("compose.yaml", 2), (process,) if process else (),  # type: ignore[arg-type]
                   workdir=Known("/srv"), copies=(Copied("", "/srv", Location("Dockerfile", 3)),), **more)  # type: ignore[arg-type]


def process(server: str, target: str, **more: object) -> Process:
    return Process((server, target), Location("compose.yaml", 4), server, target, **more)  # type: ignore[arg-type]


API = service("api", process("uvicorn", "app.main:app"))
WORKER = service("worker", process("celery", "app.tasks"))


def joined(*services: Service, code: Code | None = None, reaches: tuple[Reach, ...] = (Reach(HTTP, True), Reach(TASK, True))) -> list[str]:
    runs, _ = link(code or Code(MODULES), [memory(*reaches)], services, PYTHON)
    return [run.service.name for run in runs]


def test_web_server_and_task_worker_each_run_what_reaches_the_memory_there() -> None:
    assert joined(API, WORKER) == ["api", "worker"]


def test_a_front_end_runs_nothing_of_the_python_beside_it() -> None:
    vite = service("web", process("unknown", ""), base_image="node:22-alpine")
    vite = replace(vite, processes=(replace(vite.processes[0], words=("npm", "run", "dev")),))
    assert joined(API, vite) == ["api"]
    served = replace(vite, base_image="docker.io/library/nginx:1.27",
                     processes=(replace(vite.processes[0], words=("/usr/sbin/nginx", "-g", "daemon off;")),))
    assert joined(API, served) == ["api"]


def test_what_may_start_python_all_the_same_is_no_front_end() -> None:
    vite = service("web", process("unknown", ""), base_image="node:22-alpine")
    npm = replace(vite.processes[0], words=("npm", "run", "dev"))
    assert joined(replace(vite, processes=(npm,), base_image="python:3.12-slim")) == ["web"]
    assert joined(replace(vite, processes=(npm,), packages=("crewai",))) == ["web"]
    assert joined(replace(vite, processes=(replace(npm, words=("./run.sh",)),))) == ["web"]
    assert joined(replace(vite, processes=())) == ["web"]


def test_a_command_that_is_not_traced_runs_only_what_something_builds() -> None:
    untraced = service("jobs", process("python", "app.absent"))
    assert joined(untraced) == ["jobs"]
    assert joined(untraced, reaches=()) == []
    runs, _ = link(Code(MODULES), [replace(memory(), level="module")], [untraced], PYTHON)
    assert [run.service.name for run in runs] == ["jobs"]


def test_a_worker_that_names_no_module_runs_the_jobs_of_its_image() -> None:
    job = replace(TASK, framework="rq")
    rq = service("jobs", process("rq", ""))
    assert joined(API, rq, reaches=(Reach(HTTP, True, queued=True), Reach(job, True))) == ["jobs"]
    assert joined(replace(rq, copies=()), reaches=(Reach(job, True),)) == []


def test_a_folder_above_what_is_copied_lies_above_its_copy() -> None:
    api = replace(API, copies=(Copied("app", "/srv/app", Location("Dockerfile", 3)),))
    assert in_container(api, "/.") == Known("/srv")
    assert in_container(api, "app/.") == Known("/srv/app")
    assert isinstance(in_container(replace(api, copies=(Copied("app", "/code", Location("Dockerfile", 3)),)), "/."), Unknown)


def test_a_service_that_only_queues_does_not_run_the_memory() -> None:
    assert joined(API, WORKER, reaches=(Reach(HTTP, True, queued=True), Reach(TASK, True))) == ["worker"]


def test_scripts_and_modules_that_a_command_starts_are_read() -> None:
    package = replace(process("python", "chat.server"), words=("python", "-m", "chat.server"))
    tree = ("main.py", "other.py", "src/chat/server/__main__.py", "src/chat/server/other.py")
    assert started_scripts([service("api", package)], tree) == ["src/chat/server/__main__.py"]
    assert started_scripts([service("api", process("python", "main.py"))], tree) == ["main.py"]
    installed = process("python", "chat.server.other:run")
    assert started_scripts([service("api", installed)], tree) == ["src/chat/server/other.py"]
    assert started_scripts([API], tree) == []


def test_a_command_that_loads_other_code_runs_no_memory() -> None:
    assert joined(service("cron", process("python", "other.py"))) == []


def test_code_on_the_command_line_that_imports_nothing_of_the_tree_runs_no_memory() -> None:
    idle = replace(process("python", ""), words=("python", "-c", "import time; time.sleep(60)"))
    assert joined(service("idle", idle)) == []


def test_a_server_backing_the_others_runs_no_memory() -> None:
    assert joined(service("db", None, backing="postgres")) == []


def test_an_untraced_command_is_joined_by_what_the_image_holds_but_not_surely() -> None:
    runs, _ = link(Code(MODULES), [memory(Reach(HTTP, True))], [service("api", process("unknown", ""))], PYTHON)
    assert [run.sure for run in runs] == [False]
    elsewhere = replace(service("web", process("unknown", "")), copies=(Copied("frontend", "/srv", CREW),))
    assert joined(elsewhere) == []


def test_a_script_that_starts_the_server_has_the_workers_that_its_call_gives() -> None:
    call = ServerRun("uvicorn", Location("serve.py", 3), "app.main:app", Known(4))
    code = Code(MODULES, server_runs=(call,))
    runs, services = link(code, [memory(Reach(HTTP, True))], [service("api", process("python", "serve.py"))], PYTHON)
    assert [run.service.name for run in runs] == ["api"]
    assert services[0].processes[0].workers == Known(4)
    assert services[0].processes[0].server == "uvicorn"


def test_a_package_whose_main_module_starts_the_server_itself() -> None:
    main = Module("app/__main__.py", ("app.__main__",), imports=("app/main.py",))
    modules = (Module("app/__init__.py", ("app",)), main, *MODULES)
    python = (*PYTHON, "app/__init__.py", "app/__main__.py")
    code = Code(modules, server_runs=(ServerRun("uvicorn", Location("app/__main__.py", 9), workers=Known(3)),))
    start = replace(process("python", "app"), words=("python", "-m", "app"))
    runs, services = link(code, [memory(Reach(HTTP, True))], [service("api", start)], python)
    assert [run.service.name for run in runs] == ["api"]
    assert (services[0].processes[0].server, services[0].processes[0].workers) == ("uvicorn", Known(3))
    # A server that is itself started with -m loads the package, not its main module.
    loads = replace(process("gunicorn", "app:app"), words=("python", "-m", "gunicorn", "app:app"))
    assert joined(service("api", loads), code=Code(modules)) == []


def test_what_the_code_sets_at_import_counts_where_that_module_is_loaded() -> None:
    write = EnvWrite("CREWAI_STORAGE_DIR", Text("/data"), Location("app/main.py", 1))
    code = Code(MODULES, env_writes=(write,))
    runs, _ = link(code, [memory(Reach(HTTP, True), Reach(TASK, True))], [API, WORKER], PYTHON)
    around = {run.service.name: run.around.variable("CREWAI_STORAGE_DIR") for run in runs}
    assert around == {"api": Known("/data", write.at), "worker": None}


def test_a_default_in_code_yields_to_the_deployment() -> None:
    code = Code(MODULES, env_writes=(EnvWrite("CREWAI_STORAGE_DIR", Text("/tmp/x"), Location("app/main.py", 1), weak=True),))
    at = Location("compose.yaml", 6)
    setting = Setting("CREWAI_STORAGE_DIR", Known("/data", at), at)
    runs, _ = link(code, [memory(Reach(HTTP, True))], [replace(API, environment=Environment((setting,)))], PYTHON)
    assert runs[0].around.variable("CREWAI_STORAGE_DIR") == Known("/data", at)


def test_a_module_is_found_in_the_container_through_the_longest_copy() -> None:
    copies = (Copied("", "/srv", CREW), Copied("app", "/opt/app", CREW))
    unit = replace(API, copies=copies, environment=Environment((Setting("PYTHONPATH", Known("/opt"), CREW),)))
    runs, _ = link(Code(MODULES), [memory(Reach(HTTP, True))], [unit], PYTHON)
    assert runs[0].around.source("app/crew.py") == Known("/opt/app")
    bare, _ = link(Code(MODULES), [memory(Reach(HTTP, True))], [replace(API, copies=())], PYTHON)
    assert isinstance(bare[0].around.source("app/crew.py"), Unknown)
