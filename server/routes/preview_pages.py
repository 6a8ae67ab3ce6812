"""The pages that Hutch itself shows where a preview should be. Fixed words; nothing of a request is shown in them."""

import secrets
from html import escape
from string import Template
from typing import Final

from starlette.responses import HTMLResponse, Response

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style nonce="$nonce">
html { background: light-dark(#fff, #121212); color: light-dark(#1c2127, #e2e6ec); }
a { color: light-dark(#2858c5, #86abff); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.25rem; }
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$text</p>
$link
</main>
$script
</body>
</html>
""")
# The pause keeps a port that opens and refuses at once from being asked without end.
_RELOAD: Final = Template("""<noscript><meta http-equiv="refresh" content="3"></noscript>
<script nonce="$nonce" data-ready="$ready">
const ready = document.currentScript.dataset.ready;
const pause = () => new Promise((done) => setTimeout(done, 700));
async function watch() {
  for (;;) {
    try {
      const response = await fetch(ready, { cache: "no-store" });
      if (response.status === 401 || response.status === 404) break;
      if (response.ok && (await response.json()).ready) break;
    } catch {
      // The server restarts, or the network is away: the next question may find it.
    }
    await pause();
  }
  await pause();
  location.reload();
}
watch();
</script>""")
_LINK: Final = Template('<p><a href="$href" target="_blank" rel="noopener">Open the project in the IDE</a></p>')


def page(status: int, title: str, text: str, *, ready: str | None = None, ide: str | None = None) -> Response:
    """A page that says `text`. `ready` is the URL to ask when to load again, `ide` that of the project's page."""
    nonce = secrets.token_urlsafe(16)
    body = _PAGE.substitute(
        nonce=nonce,
        title=escape(title),
        text=escape(text),
        link=_LINK.substitute(href=escape(ide)) if ide else "",
        script=_RELOAD.substitute(nonce=nonce, ready=escape(ready)) if ready else "",
    )
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # The first page of a host decides for all that follow.
        "Origin-Agent-Cluster": "?1",
    }
    return HTMLResponse(body, status, headers)
