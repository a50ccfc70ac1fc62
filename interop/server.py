"""The server under test, as `cargo xtask interop` describes it in the environment, its clock and its admin API."""

import json
import os
import urllib.request

URL = os.environ["CHOLLA_URL"]
HTTPS_URL = os.environ["CHOLLA_HTTPS_URL"]
CA_FILE = os.environ["CHOLLA_CA_FILE"]
ADMIN_URL = os.environ["CHOLLA_ADMIN_URL"]
ADMIN_TOKEN = os.environ["CHOLLA_ADMIN_TOKEN"]


def admin(path, body=None):
    """What the admin listener answers: to a POST where there is a body."""
    request = urllib.request.Request(
        f"{ADMIN_URL}{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def now():
    """The server's time in Unix seconds."""
    return admin("/dev/clock")["now"]


def advance(duration):
    """Moves the server's clock forward, such as by "2h"; answers its new time."""
    return admin("/dev/clock", {"advance": duration})["now"]
