"""Receivers on loopback: HTTP and SMTP, real enough for TLS, and slow or broken on demand."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["Inbox", "Mailbox", "http_inbox", "smtp_mailbox"]


class Inbox:
    """What an HTTP receiver was sent, and how it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.location = ""
        self.gate: threading.Event | None = None
        """While it is not set, the reply comes byte by byte and never ends."""
        self.url = ""


@contextmanager
def http_inbox() -> Iterator[Inbox]:
    """A receiver of HTTP."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.requests.append((self.path, dict(self.headers), body))
            if inbox.gate:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not inbox.gate.wait(0.05):
                    self.wfile.write(b"a")
                return
            self.send_response(inbox.status)
            if inbox.location:
                self.send_header("Location", inbox.location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"http://127.0.0.1:{server.server_port}/hooks/T0/s3cr3t-path"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield inbox
    finally:
        if inbox.gate:
            inbox.gate.set()
        server.shutdown()
        server.server_close()


class Mailbox:
    """What an SMTP server was sent, and whom it knows."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[str, bool]] = []
        """User and password, and whether the connection was encrypted."""
        self.password = ""
        self.refused: set[str] = set()
        self.port = 0


@contextmanager
def smtp_mailbox(certificate: Path | None = None, *, tls: bool = False) -> Iterator[Mailbox]:
    """A server of SMTP; with a certificate it offers STARTTLS, or speaks TLS from the start."""
    box = Mailbox()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.encrypted = tls
            if context and tls:
                self.request = context.wrap_socket(self.request, server_side=True)
            self.file = self.request.makefile("rb")
            self.to: list[str] = []
            self.say("220 here")
            while line := self.file.readline().decode().strip():
                if not self.answer(line):
                    return

        def say(self, text: str) -> None:
            self.request.sendall(f"{text}\r\n".encode())

        def answer(self, line: str) -> bool:
            verb = line.upper()
            if verb.startswith("EHLO"):
                more = ["250-STARTTLS"] if context and not self.encrypted else []
                self.say("\r\n".join(["250-here", *more, "250 AUTH PLAIN"]))
            elif verb == "STARTTLS" and context:
                self.say("220 go on")
                self.request = context.wrap_socket(self.request, server_side=True)
                self.file, self.encrypted = self.request.makefile("rb"), True
            elif verb.startswith("AUTH PLAIN"):
                login = base64.b64decode(line.split()[2]).decode().split("\0")
                box.logins.append((":".join(login[1:]), self.encrypted))
                self.say("235 in" if login[2] == box.password else f"535 wrong password {login[2]}")
            elif verb.startswith("RCPT"):
                address = line[line.index("<") + 1 : line.index(">")]
                if address in box.refused:
                    self.say("550 no such user")
                else:
                    self.to.append(address)
                    self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (each := self.file.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(each)
                box.mails.append("\n".join(lines))
                box.recipients.append(self.to)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return False
            else:
                self.say("250 ok")
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
