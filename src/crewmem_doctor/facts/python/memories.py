"""Every memory the code turns on, with its store, its keys and the ways that requests reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from crewmem_doctor.facts.python import (
    crews,
    factories,
    flows,
    kickoffs,
    objects,
    persistences,
    scopes,
    sinks,
    teams,
    third_party,
    uses,
)
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.ledger import Ledger
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.facts.python.yaml_agents import YamlAgents
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory
from crewmem_doctor.sources.discover import Tree


def find_memories(survey: Survey, tree: Tree, entries: Mapping[Function, EntryPoint]) -> tuple[Memory, ...]:
    """Memories in order of place. Crews of which it cannot be told whether they have one go to the survey's gaps."""
    ledger = Ledger(survey.base)
    yaml = YamlAgents(survey, tree)
    # Objects come before the crews that they are given to.
    detectors: tuple[Callable[[Survey, Ledger], None], ...] = (
        objects.find,
        partial(crews.find, yaml=yaml),
        flows.find,
        persistences.find,
        third_party.find,
        factories.apply,
        sinks.attach_scopes,
        sinks.attach_clients,
        scopes.attach_loose_scopes,
        uses.attach_users,
        kickoffs.attach_kickoffs,
        partial(teams.attach_teams, yaml=yaml),
    )
    for detect in detectors:
        with survey.attempt(Location(".")):
            detect(survey, ledger)
    return ledger.finish(survey, entries)
