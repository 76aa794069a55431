"""What each field of a record measures, in one sentence, for /methodology; a test holds the list complete."""

from typing import Final

from probes.web.i18n import Lazy, lazy

FieldGroups = tuple[tuple[Lazy, tuple[tuple[str, Lazy], ...]], ...]  # (title, ((name, meaning), ...)), ...

FIELD_GROUPS: Final[FieldGroups] = (
    (
        lazy("What was asked, and why"),
        (
            ("id", lazy("Made from target, location and slot, so that writing twice is writing once.")),
            ("target", lazy("provider/client/model; the key of its history.")),
            ("provider", lazy("Who is asked, as the configuration names it.")),
            ("client", lazy("The account or endpoint.")),
            ("model", lazy("The model as it is asked for.")),
            ("protocol", lazy("The wire protocol.")),
            ("location", lazy("Where the agent stands.")),
            ("agent", lazy("Which process probed.")),
            ("sdk_version", lazy("The library that built the request.")),
            ("due_at", lazy("The slot's time, UTC.")),
            ("started_at", lazy("When the attempt began, UTC.")),
            ("lag_seconds", lazy("From the slot's time to the attempt's start; a busy agent shows here.")),
            (
                "trigger",
                lazy("scheduled, manual, confirm or maintenance; only scheduled ones count in statistics."),
            ),
            ("in_flight", lazy("Probes of this agent already running when this one began.")),
        ),
    ),
    (
        lazy("How it ended"),
        (
            ("outcome", lazy("ok, or one class of error.")),
            ("fault", lazy("Who has to act.")),
            ("phase", lazy("How far the attempt came.")),
            ("category", lazy("Responsiveness by response time and the target's limits.")),
            ("http_status", lazy("The status line's number.")),
            ("content_type", lazy("Of the response.")),
            ("error", lazy("The error's text without secrets, at most 300 characters.")),
            ("answer_ok", lazy("Known-answer check; none when not checked.")),
            ("finish_reason", lazy("Why generation ended, as sent.")),
            ("retry_after_seconds", lazy("How long the server asked us to wait.")),
            ("rate_limits", lazy("Limit, remaining and reset of requests and tokens, normalised.")),
        ),
    ),
    (
        lazy("Times before the request"),
        (
            ("dns_seconds", lazy("Name look-up.")),
            ("connect_seconds", lazy("TCP connection.")),
            ("tls_seconds", lazy("TLS handshake.")),
            ("overhead_seconds", lazy("Our own work before the request left; above 20 ms our host is sick.")),
            (
                "connection_reused",
                lazy("Whether an open connection was used; by default each probe opens its own."),
            ),
        ),
    ),
    (
        lazy("Times after the request left"),
        (
            ("first_byte_seconds", lazy("Until the response headers.")),
            ("first_event_seconds", lazy("Until the first event of any kind.")),
            ("ttft_seconds", lazy("TTFT: until the first generated token of any kind, reasoning included.")),
            ("ttft_kind", lazy("Of which kind that token was.")),
            ("ttft_visible_seconds", lazy("Until the first token that a reader would see.")),
            (
                "req_ttft_seconds",
                lazy("Look-up, connection, TLS and TTFT together: what a new client waits."),
            ),
            ("response_seconds", lazy("From the attempt's start to the end of the stream.")),
            ("generation_seconds", lazy("From the first to the last generated token.")),
            ("tpot_seconds", lazy("Mean time per token after the first.")),
            ("throughput", lazy("Tokens per second after the first; none when there is too little to tell.")),
            ("chunks", lazy("Generated pieces; a chunk is not a token.")),
            ("gap_p50_seconds", lazy("Median gap between chunks.")),
            ("gap_p95_seconds", lazy("95 of 100 gaps were shorter.")),
            ("gap_max_seconds", lazy("Longest gap.")),
        ),
    ),
    (
        lazy("Tokens and cost"),
        (
            ("output_tokens", lazy("Generated, reasoning included.")),
            ("reasoning_tokens", lazy("Of these, reasoning.")),
            ("input_tokens", lazy("Of the prompt, cached ones included.")),
            ("cached_tokens", lazy("Of these, read from a cache.")),
            ("tokens_source", lazy("usage: the provider's count; chunks: our own, where there is none.")),
            ("max_tokens", lazy("The limit that we asked for.")),
            ("cost", lazy("Tokens times price; none without a price.")),
        ),
    ),
    (
        lazy("What answered"),
        (
            ("served_model", lazy("The model's name in the answer.")),
            ("fingerprint", lazy("Of the serving system, as sent.")),
            ("service_tier", lazy("As sent.")),
            ("request_id", lazy("The provider's name for this request, for a support ticket.")),
        ),
    ),
    (
        lazy("How far to trust it"),
        (
            ("stamps", lazy("kernel or user: where arrival times come from.")),
            ("first_read_events", lazy("Events in the first read; more than one makes TTFT an upper bound.")),
            ("rx_lag_seconds", lazy("From the kernel's receipt to our reading.")),
            ("quality", lazy("exact, bounded or degraded.")),
            ("prompt_version", lazy("A new one starts a new series.")),
            ("spec_version", lazy("Of the target's settings; a new one starts a new series.")),
            ("config_version", lazy("Of the whole configuration.")),
        ),
    ),
)
