"""The Docker runtime: `runtime` decides, `config` says what a container is, `engine` talks to the engine."""

from server.runtimes.docker.config import container_user
from server.runtimes.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime", "container_user"]
