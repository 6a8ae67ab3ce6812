"""The hostile app, run by a project: a page without script of its own, which does what a test has it do."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEADERS = {"Service-Worker-Allowed": "/", "Clear-Site-Data": '"cookies"', "Origin-Agent-Cluster": "?0"}
DOMAINS = ("hutch.localhost", "preview.hutch.localhost", ".preview.hutch.localhost", "localhost", "127.0.0.1")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        script = self.path == "/sw.js"
        body = b"onfetch = () => {}" if script else b"<!doctype html><title>hostile</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.path == "/plant":
            for number, domain in enumerate(DOMAINS):
                self.send_header("Set-Cookie", f"planted{number}=1; Path=/; Domain={domain}")
            self.send_header("Set-Cookie", "own=1; Path=/")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
