"""The tables, and the steps that bring an older file forward. A step, once released, is never edited.

results     one row a probe, one column a field of ProbeResult; moments are milliseconds since 1970 UTC
series      which (target, location) pairs exist and how many results each has: the branches of a filtered page
kinds       the same for (outcome, category, trigger)
statistics  one row a target; newest and newest_ok are rows of results, which the sweep therefore spares;
            memory is JSON: what the newest results said of served model, fingerprint and the like
events      one row a change on a target's timeline
incidents   one row an incident: its document as JSON, beside it what queries ask for; incident_targets: whom it affects
deliveries  the outbox: one row a thing to tell through a channel
maintenance one row a window or rule as JSON; pauses: one row a paused target
rollups     one row a (target, location, period, start); histograms are pairs of little-endian 32-bit integers
"""

from typing import Final

_VERSION_1: Final = (
    """
    CREATE TABLE results (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        target TEXT NOT NULL,
        provider TEXT NOT NULL,
        client TEXT NOT NULL,
        model TEXT NOT NULL,
        protocol TEXT NOT NULL,
        location TEXT NOT NULL,
        agent TEXT NOT NULL,
        sdk_version TEXT,
        due_at INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        lag_seconds REAL,
        "trigger" TEXT NOT NULL,
        in_flight INTEGER,
        outcome TEXT NOT NULL,
        fault TEXT NOT NULL,
        phase TEXT,
        category TEXT NOT NULL,
        dns_seconds REAL,
        connect_seconds REAL,
        tls_seconds REAL,
        overhead_seconds REAL,
        connection_reused INTEGER,
        first_byte_seconds REAL,
        first_event_seconds REAL,
        ttft_seconds REAL,
        ttft_kind TEXT,
        ttft_visible_seconds REAL,
        req_ttft_seconds REAL,
        response_seconds REAL,
        generation_seconds REAL,
        output_tokens INTEGER,
        reasoning_tokens INTEGER,
        input_tokens INTEGER,
        cached_tokens INTEGER,
        tokens_source TEXT,
        tpot_seconds REAL,
        throughput REAL,
        chunks INTEGER,
        gap_p50_seconds REAL,
        gap_p95_seconds REAL,
        gap_max_seconds REAL,
        finish_reason TEXT,
        served_model TEXT,
        fingerprint TEXT,
        service_tier TEXT,
        request_id TEXT,
        http_status INTEGER,
        content_type TEXT,
        answer_ok INTEGER,
        rate_limits TEXT,
        retry_after_seconds REAL,
        prompt_version TEXT,
        max_tokens INTEGER,
        spec_version TEXT,
        config_version TEXT,
        cost REAL,
        stamps TEXT,
        first_read_events INTEGER,
        rx_lag_seconds REAL,
        quality TEXT,
        error TEXT
    ) STRICT
    """,
    # Each page of any filter is a merge of short runs from one of these three; see reading.py.
    "CREATE INDEX results_by_time ON results (due_at, id)",
    """
    CREATE INDEX results_by_series
        ON results (target, location, due_at, id, outcome, category, "trigger")
    """,
    """CREATE INDEX results_by_kind ON results (outcome, category, "trigger", due_at, id)""",
    """
    CREATE TABLE series (
        target TEXT NOT NULL,
        location TEXT NOT NULL,
        provider TEXT NOT NULL,
        results INTEGER NOT NULL,
        PRIMARY KEY (target, location)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE kinds (
        outcome TEXT NOT NULL,
        category TEXT NOT NULL,
        "trigger" TEXT NOT NULL,
        results INTEGER NOT NULL,
        PRIMARY KEY (outcome, category, "trigger")
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE statistics (
        target TEXT PRIMARY KEY,
        newest INTEGER,
        newest_ok INTEGER,
        category TEXT,
        category_since INTEGER,
        total INTEGER NOT NULL DEFAULT 0,
        total_ok INTEGER NOT NULL DEFAULT 0,
        first_seen_at INTEGER,
        updated_at INTEGER,
        state TEXT,
        reason TEXT,
        state_since INTEGER,
        judged_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE rollups (
        target TEXT NOT NULL,
        location TEXT NOT NULL,
        period TEXT NOT NULL,
        start INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        outcomes TEXT NOT NULL,
        categories TEXT NOT NULL,
        ttft BLOB NOT NULL,
        response BLOB NOT NULL,
        throughput BLOB NOT NULL,
        output_tokens INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        cost REAL NOT NULL,
        priced INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX rollups_by_key ON rollups (period, target, location, start)",
    "CREATE INDEX rollups_by_start ON rollups (period, start)",
    "CREATE INDEX rollups_by_change ON rollups (updated_at)",
    """
    CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        requested_at INTEGER NOT NULL,
        targets TEXT NOT NULL,
        state TEXT NOT NULL,
        claimed_by TEXT,
        touched_at INTEGER,
        total INTEGER,
        finished INTEGER NOT NULL,
        finished_at INTEGER,
        diff TEXT NOT NULL,
        problems TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX requests_by_time ON requests (requested_at)",
    """
    CREATE TABLE agents (
        agent TEXT PRIMARY KEY,
        location TEXT NOT NULL,
        beat_at INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        epoch INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE TABLE plan (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)

_VERSION_2: Final = (
    """
    CREATE TABLE events (
        id TEXT PRIMARY KEY,
        target TEXT NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL,
        result_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX events_by_time ON events (at, id)",
    "CREATE INDEX events_by_target ON events (target, at, id)",
    "ALTER TABLE statistics ADD COLUMN memory TEXT",
)

_VERSION_3: Final = (
    """
    CREATE TABLE incidents (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        provider TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        updated_at INTEGER NOT NULL,
        is_open INTEGER NOT NULL,
        is_public INTEGER NOT NULL,
        is_merged INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT
    """,
    # Behind the order stands what filters ask for, so that documents of other times are not read.
    """
    CREATE INDEX incidents_by_time
        ON incidents (started_at, id, ended_at, updated_at, is_open, is_merged, is_public, provider)
    """,
    "CREATE INDEX incidents_open ON incidents (started_at, id) WHERE is_open = 1",
    """
    CREATE TABLE incident_targets (
        target TEXT NOT NULL,
        incident_id TEXT NOT NULL,
        PRIMARY KEY (target, incident_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX incident_targets_by_incident ON incident_targets (incident_id)",
    """
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY,
        channel TEXT NOT NULL,
        incident_id TEXT NOT NULL,
        transition TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        finished_at INTEGER,
        error TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX deliveries_by_due ON deliveries (state, due_at, created_at, id)",
    "CREATE INDEX deliveries_by_time ON deliveries (created_at, id)",
    "CREATE INDEX deliveries_by_incident ON deliveries (incident_id, created_at, id)",
    "CREATE TABLE maintenance (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE pauses (
        target TEXT PRIMARY KEY,
        paused_at INTEGER NOT NULL,
        until INTEGER,
        note TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_VERSION_1, _VERSION_2, _VERSION_3)
