"""netlify.toml. Netlify runs functions in JavaScript and Go only, so what deploys Python there is rare."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found, function, native
from crewmem_doctor.facts.platforms.syntax import folder_of, inside, name_of, table, toml_settings
from crewmem_doctor.model.deployment import Environment

_OPEN = ("the site's variables in Netlify's dashboard",)


def read(tree: Tree, path: str, _images: Images) -> Found:
    document, gaps = table(tree, path)
    if document is None:
        return Found((), tuple(gaps))
    folder = document.get("functions", "directory") or document.get("build", "functions")
    if not isinstance(folder, str):
        return NOTHING
    base = document.get("build", "base")
    root = inside(folder_of(path), base) if isinstance(base, str) else folder_of(path)
    inner = inside(root, folder) or inside(folder_of(path), folder)
    files = [p for p in tree.python if inner and p.startswith(inner + "/") and not name_of(p).startswith("_")]
    if any(name.endswith((".js", ".ts", ".mjs", ".mts", ".go")) for name in tree.children(inner)):
        return NOTHING  # Python beside them is a helper
    at = (
        document.at_key("directory", "functions")
        if document.get("functions", "directory")
        else document.at_key("functions", "build")
    )
    environment = Environment(toml_settings(document, "build", "environment"), _OPEN)
    services = [
        function(
            "netlify", file, at, "netlify", file[len(root) :].lstrip("/"), environment=environment, deployment=path
        )
        for file in files
    ]
    return found([native(tree, bare, None, root, "/var/task") for bare in services], gaps)


PLATFORM = Platform(
    "netlify",
    read,
    Dialect(
        "Netlify",
        "netlify.toml (only where its functions folder holds Python alone)",
        "functions folder, variables",
        "request, worker, restart, redeploy, node",
        "a base folder or variables set in the dashboard",
    ),
    wanted=lambda path: name_of(path) == "netlify.toml",
)
