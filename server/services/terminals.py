"""Terminals: opened, looked at, changed, recorded and ended, by the project's supervisor, which keeps them."""

from server.errors import Conflict, Invalid, LinkLost, NotFound, Unavailable
from server.models import ProjectId
from server.runtimes.link import Link, Stream
from server.services.projects import check_name
from server.services.reports import MOST_TITLE, TERMINALS, Terminal, parse_terminals
from server.services.workspaces import Workspaces


class Terminals:
    """Methods raise Conflict when the project does not run, LinkLost."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def open(self, id: ProjectId, name: str, offset: int | None, size: tuple[int, int]) -> Stream:
        """A viewer of the terminal `name`, a new login shell where there is none; the caller closes it.

        `size` is columns and rows of a new terminal. With an offset a terminal that ended meanwhile is still shown to
        its end; without one it is replaced.
        """
        link = self._workspaces.link(id)
        channel = TERMINALS + name
        self._workspaces.touch(id, "terminal")
        try:
            # Asked of the supervisor itself: the last report may not yet have the end that a viewer has just seen.
            stream = await link.attach(channel, offset)
            if offset is not None or not stream.ended:
                return stream
            stream.close()
        except NotFound:
            pass
        await self._spawn(id, link, channel, size)
        return await link.attach(channel, None)

    async def look_at(self, id: ProjectId, name: str, offset: int | None) -> Stream:
        """A viewer of the terminal `name` that may send nothing but acks; the caller closes it. Raises NotFound."""
        try:
            return await self._workspaces.link(id).attach(TERMINALS + name, offset, view_only=True)
        except NotFound:
            raise NotFound(f"there is no terminal {name} to look at") from None

    async def end(self, id: ProjectId, name: str) -> None:
        """End the terminal's process group and forget it. Does nothing when there is no such terminal."""
        # Whoever asked for it hangs up as soon as the end is told, which is before all of the group are gone.
        await self._workspaces.finish(self._end(self._workspaces.link(id), name))

    async def change(self, id: ProjectId, name: str, changes: dict[str, object]) -> Terminal:
        """Change a terminal's `title`, None for its name, or its `sizing`: for everyone, while its container lives.

        Raises Invalid, NotFound.
        """
        link = self._workspaces.link(id)
        if not changes or not changes.keys() <= {"title", "sizing"}:
            raise Invalid("title and sizing are what can be changed")
        if changes.get("title") is not None:
            changes = {**changes, "title": check_name(changes["title"], field="title", most=MOST_TITLE)}
        if changes.get("sizing", "smallest") not in ("smallest", "latest"):
            raise Invalid("sizing must be smallest or latest", field="sizing")
        try:
            report = await link.call("change", name=TERMINALS + name, **changes)
        except NotFound:
            raise NotFound("there is no such terminal") from None
        return parse_terminals([{**report, "name": TERMINALS + name}], TERMINALS)[0]

    async def record(self, id: ProjectId, name: str) -> str:
        """Begin to record what a terminal shows; the recording's id. Raises NotFound, Conflict when it already is."""
        link, layout = self._workspaces.link(id), self._workspaces.layout(id)
        env = {"TERM": layout.env.get("TERM", "xterm-256color"), "SHELL": layout.shell[0]}
        known = self._workspaces.terminals(id)
        title = next((terminal.title for terminal in known if terminal.name == name), name)
        report = await link.call("record", name=TERMINALS + name, title=title, env=env)
        terminal = next(iter(parse_terminals([report], TERMINALS)), None)
        if terminal is None or terminal.recording is None:
            raise Unavailable("the container did not say which recording it has begun")
        return terminal.recording.id

    async def stop_recording(self, id: ProjectId, name: str) -> None:
        """End the recording of a terminal. Raises NotFound when it is not recorded."""
        await self._workspaces.link(id).call("stop-recording", name=TERMINALS + name)

    async def _end(self, link: Link, name: str) -> None:
        try:
            await link.call("end", name=TERMINALS + name, forget=True)
        except (NotFound, LinkLost):
            # Gone already, or going: the supervisor does not need the link for it.
            pass

    async def _spawn(self, id: ProjectId, link: Link, channel: str, size: tuple[int, int]) -> None:
        layout = self._workspaces.layout(id)
        try:
            await link.call(
                "spawn",
                name=channel,
                argv=list(layout.shell),
                cwd=layout.workspace,
                env=layout.env,
                cols=size[0],
                rows=size[1],
            )
        except Conflict:
            # Another viewer asked for the same name at the same moment: both look at the one shell.
            pass
