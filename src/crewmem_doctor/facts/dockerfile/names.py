"""Which files are Dockerfiles, and which of them and of their stages are for development only."""

from __future__ import annotations

import re

from crewmem_doctor.sources.discover import Tree

_DOCKERFILE = re.compile(
    r"(dockerfile|containerfile)([._-][\w.-]+)?|[\w.-]+\.(dockerfile|containerfile)", re.IGNORECASE
)
# What only looks like one: ignore lists, templates, notes and sources about Dockerfiles.
_OTHER = re.compile(
    r"\.(dockerignore|md|txt|rst|py|js|ts|tsx|json|ya?ml|toml|j2|jinja2?|tmpl|tpl|template|sh|ps1|bak|orig|old|sample|example"
    r"|disabled|lock|log|html)$",
    re.IGNORECASE,
)
_DEVELOPMENT = frozenset(
    (
        "dev",
        "devel",
        "develop",
        "development",
        "local",
        "test",
        "tests",
        "testing",
        "debug",
        "ci",
        "e2e",
        "lint",
        "devcontainer",
    )
)
_PRODUCTION = ("production", "prod", "release", "final", "runtime", "runner", "app", "deploy")


def dockerfiles(tree: Tree) -> list[str]:
    """The Dockerfiles of the tree, by their names."""
    return tree.named(lambda name: _DOCKERFILE.fullmatch(name) is not None and _OTHER.search(name) is None)


def is_development(path: str, target: str) -> bool:
    """Whether the file's name, its folder or the target says that it is not for production."""
    name = path.rpartition("/")[2].lower()
    words = set(re.split(r"[._-]", name)) | set(re.split(r"[._-]", target.lower()))
    return bool(words & _DEVELOPMENT) or ".devcontainer" in path.split("/")


def shipping_stage(names: tuple[str, ...]) -> str:
    """The stage to read instead of the last one, where that is for development; empty where the last one ships."""
    if not names or not set(re.split(r"[._-]", names[-1])) & _DEVELOPMENT:
        return ""
    return next((name for name in reversed(names) if name in _PRODUCTION), "")
