"""How many processes run the application."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import Options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location


def workers(
    options: Options, scene: Scene, *names: str, variables: tuple[str, ...] = (), default: Answer[int] | None = None
) -> tuple[Answer[int], Location | None]:
    """The workers that the first given option sets, else the first set variable, else the default of one.

    Comes with the place where a person would change them: the variable's own setting where a variable decides.
    """
    for name in names:
        word = options.get(name)
        if word is not None:
            answer = scene.number(word)
            return answer, answer.at or word.at
    answer_or_none = scene.variable_number(*variables)
    if answer_or_none is not None:
        return answer_or_none, answer_or_none.at
    return (default if default is not None else Known(1)), None
