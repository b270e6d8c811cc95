from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import known, mount, target, variable

CODE = """
    import modal
    from modal import Volume as V

    MOUNT = "/data"
    image = (modal.Image.debian_slim().pip_install("crewai").env({"CREWAI_STORAGE_DIR": "/data/m"}).workdir("/srv"))
    app = modal.App("crew", image=image)
    vol = V.from_name("memory", create_if_missing=True)


    @app.function(image=image, volumes={MOUNT: vol}, max_containers=1)
    @modal.asgi_app()
    def web():
        ...


    @app.cls(secrets=[modal.Secret.from_name("x")])
    class Model:
        @modal.method()
        def run(self): ...


    @app.function(volumes=make())
    def odd(): ...


    @other.function()
    def not_one(): ...
    """


def test_functions(read: Any) -> None:
    found = read({"serve.py": CODE})
    assert found.ids == ["modal:Model", "modal:odd", "modal:web"]
    web, model = found["modal:web"], found["modal:Model"]
    assert (mount(web, "/data").kind, mount(web, "/data").source, mount(web, "/data").shared) == (
        "disk",
        "memory",
        True,
    )
    assert (known(web.replicas), web.replicas_at.line, web.at.line) == (1, 10, 10)
    assert (variable(web, "CREWAI_STORAGE_DIR"), known(web.workdir)) == ("/data/m", "/srv")
    assert target(web) == [("modal", "serve.py")]
    assert isinstance(model.replicas, Unknown)
    assert model.environment.open
    assert (model.durable_disk, known(model.workdir)) == (False, "/root")
    assert found["modal:odd"].hidden_mounts


def test_what_is_mounted_may_be_unknown(read: Any) -> None:
    found = read({"serve.py": 'import modal\napp = modal.App()\n@app.function(volumes={"/d": get()})\ndef f(): ...\n'})
    assert mount(found["modal:f"], "/d").optional


def test_broken_python(read: Any) -> None:
    assert not read({"serve.py": "import modal\napp = modal.App(\n"}).services
