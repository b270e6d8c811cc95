"""`python -m crewmem_doctor`."""

from crewmem_doctor.cli.main import run

run()
