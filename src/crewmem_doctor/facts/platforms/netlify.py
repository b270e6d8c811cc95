"""netlify.toml. Netlify's functions are JavaScript, TypeScript or Go: beside a Python back end it deploys a front end.
Python in its functions folder is said to be unseen, not judged."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.syntax import folder_of, inside, name_of, table
from crewmem_doctor.model.project import Gap


def read(tree: Tree, path: str, _images: Images) -> Found:
    document, gaps = table(tree, path)
    if document is None:
        return Found((), tuple(gaps))
    folder = document.get("functions", "directory") or document.get("build", "functions")
    if not isinstance(folder, str):
        return NOTHING
    base = document.get("build", "base")
    root = inside(folder_of(path), base) if isinstance(base, str) else folder_of(path)
    inner = inside(root, folder)
    files = [file for file in tree.python if inner and file.startswith(inner + "/")]
    why = "Python in the folder of Netlify's functions, which runs JavaScript, TypeScript and Go only"
    return Found((), tuple(Gap(file, 1, "dynamic", why) for file in files[:3]))


PLATFORM = Platform(
    "netlify",
    read,
    Dialect(
        "Netlify",
        "netlify.toml",
        "nothing is deployed by it: its functions run no Python, and a front end is no finding",
        "",
        "Python files in its functions folder",
    ),
    wanted=lambda path: name_of(path) == "netlify.toml",
)
