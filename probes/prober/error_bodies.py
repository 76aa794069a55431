"""What an upstream error means by its body and its status. The body's type beats the status, most specific first."""

import json
import re
from typing import Final

from probes.domain.outcome import Outcome
from probes.prober.clients.reading import error_in
from probes.prober.events import UpstreamError

_BY_OUTCOME: Final[dict[Outcome, str]] = {
    Outcome.QUOTA_EXHAUSTED: """
        insufficient_quota insufficient_credits insufficient_balance insufficient_user_quota billing_error
        billing_hard_limit_reached billing_not_active payment_required exceeded_current_quota_error quota_exceeded
        arrearage accountoverdueerror credit_exhausted contract_spend_limit_reached enforced_spend_limit_reached
        linked_organization_spend_limit_reached linked_organization_billing_unavailable organization_on_hold
        billing_disabled""",
    Outcome.RATE_LIMITED: """
        rate_limit_exceeded rate_limit_error rate_limit_reached_error rate_limited too_many_requests requests tokens
        resource_exhausted throttling throttling_ratequota throttling_allocationquota""",
    Outcome.OVERLOADED: """
        overloaded overloaded_error engine_overloaded engine_overloaded_error server_overloaded model_overloaded
        server_busy model_busy capacity_exceeded unavailable service_unavailable""",
    Outcome.SERVER_TIMEOUT: "timeout timeout_error request_timeout gateway_timeout deadline_exceeded",
    Outcome.AUTH: """
        authentication_error invalid_api_key invalid_authentication_error incorrect_api_key_error invalidapikey
        unauthenticated unauthorized authenticationerror api_key_invalid access_token_expired""",
    Outcome.PERMISSION: """
        permission_error permission_denied access_denied accessdenied forbidden request_forbidden
        unsupported_country_region_territory cmek_key_unreachable cmek_key_disabled cmek_context_unavailable
        failed_precondition""",
    Outcome.MODEL_NOT_FOUND: """
        model_not_found not_found_error not_found deploymentnotfound deployment_not_found invalid_model modelnotopen
        model_not_exist""",
    Outcome.CONTENT_FILTERED: """
        content_filter content_policy_violation content_filter_error data_inspection_failed datainspectionfailed
        responsibleaipolicyviolation invalid_prompt bio_policy misalignment_policy_violation""",
    Outcome.BAD_REQUEST: """
        context_length_exceeded request_too_large unsupported_parameter unsupported_value unknown_parameter""",
}
# Words like invalid_request_error, api_error and server_error are left out on purpose: they name no cause, and
# vendors send them with any status, so there the status is the better witness.
ERROR_TYPES: Final = {name: outcome for outcome, names in _BY_OUTCOME.items() for name in names.split()}

_READ_BYTES: Final = 256 * 1024  # of an error body; reading megabytes of it would hold up every other probe
_PAGE_LENGTH: Final = 4_000

_STATUSES: Final = {
    401: Outcome.AUTH,
    402: Outcome.QUOTA_EXHAUSTED,
    403: Outcome.PERMISSION,
    408: Outcome.SERVER_TIMEOUT,
    429: Outcome.RATE_LIMITED,
    499: Outcome.SERVER_ERROR,
    503: Outcome.OVERLOADED,
    504: Outcome.SERVER_TIMEOUT,
    524: Outcome.SERVER_TIMEOUT,
    529: Outcome.OVERLOADED,
}
_STATUS_CODES: Final = {str(status): outcome for status, outcome in _STATUSES.items()}
_SPENT: Final = re.compile(
    r"""(?ix) insufficient\s(?:\w+\s)?(?:quota|balance|credits?|funds) | exceeded\syour\s(?:current\s)?quota
    | credit\sbalance | credits\sare\sdepleted | (?:spend|spending|billing|usage)\s(?:limit|cap)
    | billing\s(?:details|issue|is\snot\sactive)
    | out\sof\scredits | payment\srequired | overdue | arrears"""
)
_TOO_FAST: Final = re.compile(r"(?i)rate limit|per (?:second|minute|min|hour|day)\b|retry in")
_FILTERED: Final = re.compile(
    r"(?i)content[ _](?:filter|filtering|management|policy)|flagged as|responsible ai"
)
_BAD_KEY: Final = re.compile(
    r"(?i)(?:invalid|incorrect|not valid|missing)\b.{0,20}\bapi[ -]?key|api[ -]?key not valid"
)
_NAMES_MODEL: Final = re.compile(r"(?i)\b(?:models?|deployment|engine)\b")


def outcome_of_error(error: UpstreamError) -> Outcome | None:
    """What the error's own words say, whatever the status; None when they name no cause."""
    message = error.message or ""
    named = [ERROR_TYPES.get(_plain(word)) for word in (error.code, error.type) if word]
    if Outcome.QUOTA_EXHAUSTED in named or (_SPENT.search(message) and not _TOO_FAST.search(message)):
        return Outcome.QUOTA_EXHAUSTED
    known = next((outcome for outcome in named if outcome is not None), None)
    if known is not None:
        return known
    if error.code is not None and error.code in _STATUS_CODES:  # OpenRouter's, with HTTP 200
        return _STATUS_CODES[error.code]
    return Outcome.CONTENT_FILTERED if _FILTERED.search(message) else None


def outcome_of_response(status: int, error: UpstreamError | None) -> Outcome:
    """What a response with an error status means."""
    said = outcome_of_error(error) if error is not None else None
    if said is not None:
        return said
    if status == 404:
        return _not_found(error)
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500:
        return Outcome.SERVER_ERROR
    if error is not None and _BAD_KEY.search(error.message or ""):
        return Outcome.AUTH  # Gemini sends 400 for a wrong key
    return Outcome.BAD_REQUEST


def _not_found(error: UpstreamError | None) -> Outcome:
    """A 404 that speaks of no model comes from a wrong address, not from a retired model."""
    message = error.message if error is not None else None
    if message is None or _NAMES_MODEL.search(message):
        return Outcome.MODEL_NOT_FOUND
    return Outcome.BAD_REQUEST


def error_of_body(body: bytes) -> UpstreamError | None:
    """The error that a body describes; text that is no JSON is its own message, an empty body none."""
    text = body[:_READ_BYTES].decode("utf-8", "replace").strip()
    if not text:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return UpstreamError(message=_without_markup(text))
    return error_in(document) or UpstreamError(message=text)


def stated_error(body: bytes) -> UpstreamError | None:
    """The error object of a JSON body that came with a good status; None when the body states none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    inner = document[0] if isinstance(document, list) and document else document
    return error_in(document) if isinstance(inner, dict) and inner.get("error") else None


def _without_markup(text: str) -> str:
    """A proxy's error page down to its words."""
    if not text.startswith("<"):
        return text
    words = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", text[:_PAGE_LENGTH])
    return " ".join(words.split()) or text


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")
