"""The command design: a page on this machine in which a schedule is shaped by hand."""

import argparse
import getpass
import socket
import sys
from threading import Thread

from lrsched.cli import options
from lrsched.designer import Session
from lrsched.designer.server import Server

EXAMPLES = """examples:
  lrsched design cfg/yolov3.cfg                    opens a browser; Ctrl-C ends it
  lrsched design my.cfg --log train.log            rate and loss of a log under the curve
  lrsched design a.cfg b.cfg                       two configs side by side
  lrsched design my.cfg --no-browser --port 8765   without a screen: prints the ssh tunnel
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = "a cfg, another trainer's config, a schedule as JSON, or package.module:name for your own schedule"
    parser.add_argument("sources", nargs="+", metavar="CFG", help=words)
    parser.add_argument("--log", metavar="LOG", help="a training log, whose rate and loss lie under the curve")
    options.add(parser, "--target", "--classes", "--images", "--gpus", "--dialect")
    parser.add_argument("--no-browser", action="store_true", help="only print the address, and how to reach it by ssh")
    port = options.integer(0, 65535)
    parser.add_argument("--port", type=port, default=0, metavar="N", help="port (default: a free one)")


def run(arguments: argparse.Namespace) -> int:
    session = Session.of(
        [sys.stdin.read() if name == "-" else name for name in arguments.sources],
        log=arguments.log,
        ngpus=arguments.gpus,
        **{name: getattr(arguments, name) for name in ("target", "classes", "images", "dialect")},
    )
    try:
        server = Server(session, arguments.port)
    except OSError as problem:
        raise ValueError(f"--port {arguments.port}: {problem.strerror}; leave --port out for a free one") from None
    try:
        with server:
            _announce(server, arguments.no_browser)
            server.serve_forever()
    except KeyboardInterrupt:
        options.message("stopped")
    return options.DONE


def _announce(server: Server, no_browser: bool) -> None:
    """Print the address, and open it or say how to reach it from another machine."""
    if no_browser:
        port = server.server_port
        tunnel = f"ssh -L {port}:127.0.0.1:{port} {getpass.getuser()}@{socket.gethostname()}"
        options.message(f"from another machine run {tunnel}, then open the address there; Ctrl-C ends it")
    print(server.address, flush=True)
    if not no_browser:
        Thread(target=_open, args=(server.address,), daemon=True).start()  # one in a terminal does not return


def _open(address: str) -> None:
    import webbrowser  # noqa: PLC0415 (looks for browsers)

    if not webbrowser.open(address):
        options.message("no browser was found; open the address yourself")
