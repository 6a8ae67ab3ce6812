"""The image that containers are tried with: the one that was built, or else one of the supervisor and nothing else."""

import io
import tarfile
from pathlib import Path

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from server.runtimes.image import image_tag

NAME = "hutch-test-runtimes"
SUPERVISOR = Path(__file__).parents[2] / "server" / "supervisor"
DOCKERFILE = """
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3
RUN mkdir -p /home/hutch /var/lib/hutch/environments /workspace /run/hutch \\
 && chmod 1777 /home/hutch /var/lib/hutch/environments
COPY supervisor /opt/hutch/supervisor
"""


async def find_or_build(docker: Docker) -> str:
    """The name of the projects' image, or of a small one that is built here and now."""
    try:
        await docker.images.inspect(image_tag())
    except DockerError:
        return await build(docker)
    return image_tag()


async def build(docker: Docker) -> str:
    """Build the image, from the engine's cache where nothing changed; its name."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w:gz") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(DOCKERFILE.encode())
        tar.addfile(entry, io.BytesIO(DOCKERFILE.encode()))
        for path in sorted(SUPERVISOR.glob("*.py")):
            tar.add(path, f"supervisor/{path.name}")
    context.seek(0)
    async for step in docker.images.build(fileobj=context, encoding="gzip", tag=NAME, stream=True, rm=True):
        assert "error" not in step, step["error"]
    return NAME
