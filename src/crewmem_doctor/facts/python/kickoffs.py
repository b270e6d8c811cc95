"""The calls that start a flow whose state is kept, and whether they name the state to go on from."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.crewai_names import FLOW, crewai_class
from crewmem_doctor.facts.python.flows import KICKOFFS
from crewmem_doctor.facts.python.index import CallSite, Class
from crewmem_doctor.facts.python.ledger import Draft, Ledger, built
from crewmem_doctor.facts.python.sinks import is_given
from crewmem_doctor.facts.python.survey import Survey, last_name
from crewmem_doctor.model.expression import Build, Choice, Expr, Table, Text
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.memory import Kickoff

# Calls that bring a stored state back by other means than a kickoff's inputs.
_OTHERWISE = ("load_state", "from_pending", "resume", "resume_async", "from_checkpoint", "fork", "handle_turn", "chat")


def attach_kickoffs(survey: Survey, ledger: Ledger) -> None:
    kept = [draft for draft in ledger.drafts.values() if draft.memory.kind == "flow"]
    if not kept:
        return
    owners = {id(draft): _classes(survey, draft) for draft in kept}
    for site in (*survey.calls(*KICKOFFS), *survey.calls(*_OTHERWISE)):
        receiver = getattr(site.node.func, "value", None)
        if receiver is None:
            continue
        with survey.attempt(site.location):
            owner = _owner(survey, site, receiver)
            for draft in kept:
                if owner in owners[id(draft)]:
                    draft.kickoffs.append(Kickoff(site.location, _resumes(survey, site)))
                elif not owner and _may_resume(survey, site):
                    draft.kickoffs.append(Kickoff(site.location, Unknown("what is started here is not known")))
    if _stamped(survey):
        for draft in kept:
            draft.kickoffs.append(Kickoff(draft.memory.at, Unknown("the code sets the id of a flow's state")))


def _classes(survey: Survey, draft: Draft) -> frozenset[str]:
    """The flow classes whose state that memory keeps: the decorated one and its subclasses, or the one constructed."""
    module = draft.memory.at.path
    names = set()
    for cls in survey.base.classes():
        if (
            crewai_class(survey.base, cls.dotted) == FLOW
            and cls.module.path == module
            and cls.qualname == draft.memory.inside
        ):
            names.add(cls.dotted)
    for goal in draft.goals:
        if isinstance(goal, CallSite) and goal.callee:
            names.add(goal.callee)
    names.update(cls.dotted for name in tuple(names) for cls in survey.base.graph.subclasses(name))
    return frozenset(names)


def _owner(survey: Survey, site: CallSite, receiver: ast.expr) -> str:
    """The class of what is started; a class itself where a class method is called on it."""
    kind = survey.base.type_of(receiver, site.scope)
    if kind:
        return kind
    found = survey.cls(receiver, site.scope)
    return found.dotted if isinstance(found, Class) else ""


def _resumes(survey: Survey, site: CallSite) -> Answer[bool]:
    if last_name(site.node.func) in _OTHERWISE:
        return Known(True, site.location)
    value = built(survey.base, site)
    if value.argument("**") is not None:
        return Unknown("its arguments could not be followed")
    for name in ("restore_from_state_id", "from_checkpoint"):
        if is_given(value.argument(name)):
            return Known(True, site.location)
    made = survey.base.evaluate(getattr(site.node.func, "value", None), site.scope)
    if isinstance(made, Build) and any(
        made.argument(word) is not None for word in ("id", "state", "initial_state", "**")
    ):
        return Unknown("the flow is built with a state")
    return _names_id(value.argument("inputs", 0))


def _names_id(inputs: Expr | None) -> Answer[bool]:
    if inputs is None or (isinstance(inputs, Text) and inputs.value is None):
        return Known(False)
    if isinstance(inputs, Table):
        if inputs.get("id") is not None:
            return Known(True, inputs.at)
        return Unknown("some of its inputs could not be read") if inputs.open else Known(False, inputs.at)
    if isinstance(inputs, Choice):
        answers = [_names_id(option) for option in inputs.options]
        return next((a for a in answers if isinstance(a, Unknown) or a.value), answers[0])
    return Unknown("its inputs could not be read")


def _may_resume(survey: Survey, site: CallSite) -> bool:
    """Something of an unknown class, which may be the flow, and may be handed an id."""
    if last_name(site.node.func) in KICKOFFS:
        answer = _resumes(survey, site)
        return isinstance(answer, Unknown) or answer.value
    return last_name(site.node.func) in ("load_state", "from_pending")


def _stamped(survey: Survey) -> bool:
    """`flow.state.id = …`, `self.state["id"] = …` somewhere: an id that no kickoff shows."""
    return any(
        _is_id(store.target)
        for module in survey.base.modules.values()
        for f in module.all_functions
        for store in f.stores
    )


def _is_id(target: ast.Attribute | ast.Subscript) -> bool:
    if last_name(target.value) not in ("state", "_state"):
        return False
    if isinstance(target, ast.Attribute):
        return target.attr == "id"
    return isinstance(target.slice, ast.Constant) and target.slice.value == "id"
