"""Streamlit Community Cloud. Nothing in a tree says that an app runs there, so signs of it are needed, nothing else may
deploy the code, and what is found counts as development: notes only."""

from __future__ import annotations

import re

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found, native, service
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of
from crewmem_doctor.model.deployment import Environment, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage

_NAMES = ("streamlit_app.py", "app.py", "main.py", "home.py", "streamlit_main.py")
_SITE = re.compile(r"[\w-]+\.streamlit\.app|share\.streamlit\.io|streamlit (community )?cloud", re.IGNORECASE)
_IMPORT = re.compile(r"^\s*(import streamlit|from streamlit)\b", re.MULTILINE)
_USER = User("appuser", Known("/home/appuser"), None, root=False)


def read(tree: Tree, path: str, _images: Images) -> Found:
    apps = [
        p
        for p in tree.grep((b"import streamlit",))
        if name_of(p) in _NAMES and "/pages/" not in f"/{p}" and _IMPORT.search(tree.text(p) or "")
    ]
    best = min(apps, key=lambda p: (p.count("/"), _NAMES.index(name_of(p)), p), default="")
    if path != best:
        return NOTHING
    folder = folder_of(path)
    if not any(_has_signs(tree, place) for place in {folder, ""}):
        return NOTHING
    # Community Cloud runs an app in the root of its repository.
    line = Passage(f"streamlit run {path}", Location(path))
    bare = service(
        "streamlit",
        path,
        Location(path),
        environment=Environment((), ("the app's secrets",)),
        user=_USER,
        replicas=Known(1),
        dev=True,
        deployment=path,
    )
    return found([native(tree, bare, line, "", "/mount/src/app")])


def _has_signs(tree: Tree, folder: str) -> bool:
    readme = join_path(folder, "README.md")
    return tree.is_dir(join_path(folder, ".streamlit")) or (
        tree.exists(readme) and _SITE.search(tree.text(readme) or "") is not None
    )


PLATFORM = Platform(
    "streamlit",
    read,
    Dialect(
        "Streamlit Community Cloud",
        "a Streamlit app beside a .streamlit folder or a README that names its site "
        "(only where nothing else deploys the code)",
        "the app; as development: notes only",
        "request, worker, restart, redeploy",
        "whether it really runs there, its secrets",
    ),
    needles=(b"import streamlit",),
    weak=True,
)
