"""Those of platform.toml who install, by heart, and the library aimed at the server for each of them."""

import base64
import hashlib
import secrets
import uuid

import stripe

import server

MAKER = "acct_maker"
MAKER_KEY = "sk_test_interop_maker"
SHOP = "acct_shop"
SHOP_KEY = "sk_test_interop_shop"
SHOP_PUBLISHABLE_KEY = "pk_test_interop_shop"
DEPOT = "acct_depot"
DEPOT_KEY = "sk_test_interop_depot"
STRANGER = "acct_stranger"
READS_INSTALLS = "rk_test_reads_installs"
WRITES_INSTALLS = "rk_test_writes_installs"
# A credential of an app.
OAUTH_TOKEN = "sk_test_oauth_python"

CATALOG = "com.example.catalog"
CATALOG_ID = "app_catalogCatalogCatalogCatalog0001"
CATALOG_CLIENT = "ca_catalogCatalogCatalogCatalog0001"
CATALOG_CALLBACK = "https://catalog.example/callback"
# The shop's own.
INVENTORY = "com.example.inventory"
# The maker's, installed nowhere.
DRAFT = "com.example.draft"
# Of another developer than the maker.
FOREIGN = "com.example.python"
DESK = "com.example.desk"
DESK_SIGNING_SECRET = "absec_interop_desk"

ACCOUNT = {"type": "account"}


def client(key, account=None, **options):
    addresses = {"api": server.URL, "connect": server.URL}
    return stripe.StripeClient(key, base_addresses=addresses, stripe_account=account, **options)


def maker(account=SHOP, **options):
    """The maker's backend, acting on an account that it is connected to or that has its app."""
    return client(MAKER_KEY, account, **options)


def branch(number):
    """An account that has the catalog and has granted it nothing: its id and its own client."""
    return f"acct_branch_{number}", client(f"sk_test_interop_branch_{number}")


def install(account=SHOP, app=CATALOG):
    """The maker's app on an account connected to it: put there, or found there."""
    return maker(account).v1.apps.installs.create({"app": app})


def uninstall(account=SHOP):
    """Uninstalled by its developer, which leaves the connection."""
    return maker(account).v1.apps.installs.uninstall(install(account).id)


def challenge():
    """A verifier and its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_name():
    return f"name_{uuid.uuid4().hex}"
