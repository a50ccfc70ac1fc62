"""The server under test, as `cargo xtask interop` describes it in the environment, and its clock."""

import json
import os
import urllib.request

URL = os.environ["CHOLLA_URL"]
HTTPS_URL = os.environ["CHOLLA_HTTPS_URL"]
CA_FILE = os.environ["CHOLLA_CA_FILE"]
ADMIN_URL = os.environ["CHOLLA_ADMIN_URL"]
ADMIN_TOKEN = os.environ["CHOLLA_ADMIN_TOKEN"]


def _clock(body):
    request = urllib.request.Request(
        f"{ADMIN_URL}/dev/clock",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["now"]


def now():
    """The server's time in Unix seconds."""
    return _clock(None)


def advance(duration):
    """Moves the server's clock forward, such as by "2h"; answers its new time."""
    return _clock({"advance": duration})
