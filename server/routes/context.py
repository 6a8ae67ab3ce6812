"""What every route may reach: the services, hung on the application by `create_app` and on nothing else."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from server.config import Settings
from server.services.accounts import Accounts
from server.services.cloning import Cloning
from server.services.deletions import Deletions
from server.services.documents import Documents
from server.services.formatting import Formatting
from server.services.git import Git
from server.services.git_accounts import GitAccounts
from server.services.lag import LoopLag
from server.services.languages import Languages
from server.services.logs import Logs
from server.services.previews import Previews
from server.services.projects import Projects
from server.services.recordings import Recordings
from server.services.remembered import Remembered
from server.services.search import Search
from server.services.share_links import ShareLinks
from server.services.sharing import Sharing
from server.services.terminals import Terminals
from server.services.uploads import Uploads
from server.services.workspaces import Workspaces


@dataclass(frozen=True)
class Services:
    """The composition that `create_app` made."""

    settings: Settings
    accounts: Accounts
    projects: Projects
    documents: Documents
    workspaces: Workspaces
    terminals: Terminals
    previews: Previews
    recordings: Recordings
    logs: Logs
    sharing: Sharing
    links: ShareLinks
    search: Search
    formatting: Formatting
    git_accounts: GitAccounts
    git: Git
    cloning: Cloning
    uploads: Uploads
    deletions: Deletions
    remembered: Remembered
    languages: Languages
    lag: LoopLag


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this request or socket."""
    services: Services = connection.app.state.services
    return services
