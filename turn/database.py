"""coturn's user database, made before it starts and left empty: secrets are in its configuration.

coturn makes the tables itself when they are missing, in every thread that opens the file; a thread that asks for
secrets meanwhile finds the file locked and refuses good credentials (seen in 4.6.1).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_TABLES = {
    "turnusers_lt": "realm TEXT, name TEXT, hmackey TEXT, PRIMARY KEY (realm, name)",
    "turn_secret": "realm TEXT, value TEXT, PRIMARY KEY (realm, value)",
    "allowed_peer_ip": "realm TEXT, ip_range TEXT, PRIMARY KEY (realm, ip_range)",
    "denied_peer_ip": "realm TEXT, ip_range TEXT, PRIMARY KEY (realm, ip_range)",
    "turn_origin_to_realm": "origin TEXT PRIMARY KEY, realm TEXT",
    "turn_realm_option": "realm TEXT, opt TEXT, value TEXT, PRIMARY KEY (realm, opt)",
    "oauth_key": (
        "kid TEXT PRIMARY KEY, ikm_key TEXT, timestamp INTEGER, lifetime INTEGER, as_rs_alg TEXT, realm TEXT"
    ),
    "admin_user": "name TEXT PRIMARY KEY, realm TEXT, password TEXT",
}
"""Names as coturn asks for them."""


def prepare(path: Path) -> None:
    """Make the database when there is none. Raises ``sqlite3.Error`` or ``OSError``."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, columns in _TABLES.items():
            connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    path.chmod(0o600)
