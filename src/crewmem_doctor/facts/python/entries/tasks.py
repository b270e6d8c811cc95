"""Background tasks and scheduled jobs: Celery, RQ, Dramatiq, arq, Huey, TaskIQ, APScheduler and others."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.entries._common import Found, argument, decorated, entry, imports
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import Survey, root

_DECORATORS = {
    "celery": ("task", "shared_task", "periodic_task"),
    "dramatiq": ("actor",),
    "huey": ("task", "periodic_task"),
    "rq": ("job",),
    "django_rq": ("job",),
    "taskiq": ("task",),
    "taskiq_redis": ("task",),
    "procrastinate": ("task",),
    "apscheduler": ("scheduled_job",),
    "flask_apscheduler": ("task",),
    "prefect": ("flow", "task"),
    "temporalio": ("defn",),
    "dagster": ("op", "asset", "job"),
    "airflow": ("task", "dag"),
    "rocketry": ("task",),
    "schedule": ("repeat",),
    "fastapi_utils": ("repeat_every",),
    "saq": (),
    "inngest": ("create_function",),
    "hatchet_sdk": ("task", "step", "workflow"),
    "django_q": (),
    "repeat_every": (),
    "faststream": ("subscriber",),
    "faust": ("agent", "timer"),
    "invoke": (),
}
_ENQUEUE = ("enqueue", "enqueue_in", "enqueue_at", "enqueue_call", "enqueue_many", "async_task")
_QUEUES = frozenset({"rq", "django_rq", "saq", "django_q", "rq_scheduler"})


def find(survey: Survey) -> Found:
    for function, target, _call, name in decorated(survey):
        known, word = root(name), name.rsplit(".", 1)[-1]
        if known == "crewai":
            continue
        if word in _DECORATORS.get(known, ()):
            yield entry(survey, function, "task", f"task {function.dotted}", known)
        elif (
            not name
            and isinstance(target, ast.Attribute)
            and target.attr in ("task", "periodic_task")
            and ("celery" in ast.dump(target.value).lower() or imports(function, "celery"))
        ):
            # The application comes from a factory; `.task` on something called celery is Celery's.
            yield entry(survey, function, "task", f"task {function.dotted}", "celery")
    yield from _enqueued(survey)
    yield from _scheduled(survey)
    yield from _classes(survey)


def _enqueued(survey: Survey) -> Found:
    """`queue.enqueue(f, …)`, also with the function's dotted name as text."""
    for site in survey.calls(*_ENQUEUE):
        func = site.node.func
        # A queue of another module is known by what it was made as, whatever its variable is called.
        known = root(survey.base.type_of(func.value, site.scope)) if isinstance(func, ast.Attribute) else ""
        known = known if known in _QUEUES else root(site.callee)
        if known and known not in _QUEUES and survey.base.definition(site.callee) is None:
            continue
        handed = argument(
            site.node, "func", "f", position=1 if site.callee.endswith(("enqueue_in", "enqueue_at")) else 0
        )
        function = survey.function(handed, site.scope)
        if function is None:
            named = survey.base.definition(survey.text(handed, site.scope) or "")
            function = named if isinstance(named, Function) else None
        if function is not None and not function.is_body:
            yield entry(survey, function, "task", f"task {function.dotted}", known if known in _QUEUES else "rq")


def _scheduled(survey: Survey) -> Found:
    """`scheduler.add_job(f, "cron", …)`, `schedule.every().day.do(f)`, `cron(f)` of arq."""
    for site in survey.calls("add_job", "add_schedule", "do", "add_periodic_task"):
        known = root(site.callee)
        word = getattr(site.node.func, "attr", "")
        if word == "do" and known != "schedule" and not imports(site.scope.body, "schedule"):
            continue
        function = survey.function(argument(site.node, "func", "job_func", position=0), site.scope)
        if function is not None and not function.is_body:
            yield entry(
                survey,
                function,
                "task",
                f"job {function.dotted}",
                known or ("schedule" if word == "do" else "apscheduler"),
            )


def _classes(survey: Survey) -> Found:
    """arq's `WorkerSettings.functions`, `celery.Task.run`, Django management commands stand with the scripts."""
    for cls in survey.base.classes():
        bases = survey.base.bases(cls.dotted)
        run = cls.methods.get("run")
        if run is not None and any(root(b) == "celery" and b.endswith("Task") for b in bases):
            yield entry(survey, run, "task", f"task {cls.dotted}", "celery")
        for attribute in ("functions", "cron_jobs"):
            for binding in cls.attributes.get(attribute, ()) if cls.name.endswith("WorkerSettings") else ():
                for item in binding.value.elts if isinstance(binding.value, (ast.List, ast.Tuple)) else ():
                    inner = item.args[0] if isinstance(item, ast.Call) and item.args else item
                    function = survey.function(inner, cls.scope)
                    if function is not None and not function.is_body:
                        yield entry(survey, function, "task", f"task {function.dotted}", "arq")
