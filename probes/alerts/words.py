"""The words of alerts, in the languages that they are written in. No request stands behind an alert, so the pages'
translations are of no use here; a test walks every member of every enum in both.
"""

from collections.abc import Callable, Mapping
from typing import Final

from probes.domain.incident import Cause, Severity
from probes.domain.outcome import Outcome
from probes.domain.result import Category
from probes.domain.state import Reason
from probes.settings.alerts import Language
from probes.verdicts.rules import ReasonKey

Pair = tuple[str, str]  # English, Chinese
Figures = Mapping[str, str | int | float]

SEVERITIES: Final[Mapping[Severity, Pair]] = {
    Severity.ATTENTION: ("Needs the operator", "需运维处理"),
    Severity.DEGRADED: ("Degraded", "性能下降"),
    Severity.DOWN: ("Down", "故障"),
}
CAUSES: Final[Mapping[Cause, Pair]] = {
    Cause.UNREACHABLE: ("no connection", "无法连接"),
    Cause.TIMEOUT: ("no token in time", "未按时返回 token"),
    Cause.SERVER_ERROR: ("server errors", "服务器错误"),
    Cause.BROKEN_STREAM: ("broken answers", "应答不完整或无法解析"),
    Cause.SLOW: ("slow answers", "应答缓慢"),
    Cause.THROTTLED: ("our requests are being limited", "我们的请求正被限流"),
    Cause.OURS: ("our side", "我方问题"),
    Cause.MIXED: ("several causes", "多种原因"),
}
OUTCOMES: Final[Mapping[Outcome, Pair]] = {
    Outcome.OK: ("ok", "正常"),
    Outcome.CONTENT_FILTERED: ("content filtered", "内容被过滤"),
    Outcome.REASONING_ONLY: ("reasoning only", "只有推理"),
    Outcome.SERVER_ERROR: ("server error", "服务器错误"),
    Outcome.SERVER_TIMEOUT: ("server timeout", "服务器超时"),
    Outcome.OVERLOADED: ("overloaded", "过载"),
    Outcome.FIRST_TOKEN_TIMEOUT: ("no first token", "无首个 token"),
    Outcome.STALLED: ("stalled", "停滞"),
    Outcome.TOTAL_TIMEOUT: ("took too long", "耗时过长"),
    Outcome.STREAM_ERROR: ("error in stream", "流中出错"),
    Outcome.TRUNCATED_STREAM: ("truncated stream", "流被截断"),
    Outcome.CONNECTION_RESET: ("connection reset", "连接中断"),
    Outcome.NOT_SSE: ("not a stream", "不是流"),
    Outcome.BAD_PAYLOAD: ("bad payload", "内容无法解析"),
    Outcome.EMPTY_RESPONSE: ("empty answer", "空应答"),
    Outcome.WRONG_ANSWER: ("wrong answer", "答案错误"),
    Outcome.RATE_LIMITED: ("rate limited", "被限速"),
    Outcome.AUTH: ("key refused", "密钥被拒"),
    Outcome.PERMISSION: ("not permitted", "无权限"),
    Outcome.QUOTA_EXHAUSTED: ("quota exhausted", "额度用尽"),
    Outcome.BAD_REQUEST: ("request refused", "请求被拒"),
    Outcome.MODEL_NOT_FOUND: ("model not found", "模型不存在"),
    Outcome.DNS_ERROR: ("name not resolved", "域名无法解析"),
    Outcome.CONNECT_REFUSED: ("connection refused", "连接被拒"),
    Outcome.CONNECT_TIMEOUT: ("connect timeout", "连接超时"),
    Outcome.CONNECT_ERROR: ("connect error", "连接出错"),
    Outcome.TLS_ERROR: ("TLS error", "TLS 出错"),
    Outcome.INTERNAL: ("internal error", "内部错误"),
    Outcome.MISSED: ("missed", "错过"),
    Outcome.SKIPPED: ("skipped", "跳过"),
}
CATEGORIES: Final[Mapping[Category, Pair]] = {
    Category.SMOOTH: ("smooth", "流畅"),
    Category.AVAILABLE: ("available", "可用"),
    Category.CONGESTION: ("congestion", "拥堵"),
    Category.LAGGING: ("lagging", "卡顿"),
    Category.UNKNOWN: ("unknown", "未知"),
}
# What a bad verdict can rest on; any other reason stands for itself.
_REASONS: Final[Mapping[str, Pair]] = {
    ReasonKey.SINGLE_FAILURE: ("one probe failed: {outcome}", "一次探测失败：{outcome}"),
    ReasonKey.ONLY_FAILURES: (
        "never seen working, {n} probes failed: {outcome}",
        "从未成功，{n} 次探测失败：{outcome}",
    ),
    ReasonKey.CONSECUTIVE_FAILURES: (
        "{n} probes in a row failed: {outcome}",
        "连续 {n} 次探测失败：{outcome}",
    ),
    ReasonKey.PARTIAL_FAILURES: (
        "{n} of the last {of} probes failed: {outcome}",
        "最近 {of} 次探测中有 {n} 次失败：{outcome}",
    ),
    ReasonKey.RECOVERING: (
        "answers again, {n} of {of} good ones in a row",
        "又有应答，连续成功 {n}/{of} 次",
    ),
    ReasonKey.THROTTLED: ("our requests are being limited", "我们的请求正被限流"),
    ReasonKey.SLOW: ("slow answers: {category}", "应答缓慢：{category}"),
    ReasonKey.SLOWER_THAN_USUAL: (
        "slower than usual: {metric} {value}, usually {usual}",
        "比平时慢：{metric} {value}，平时 {usual}",
    ),
    ReasonKey.DRIFTED: (
        "slower than weeks ago: {metric} {value}, was {usual}",
        "比数周前慢：{metric} {value}，原为 {usual}",
    ),
    ReasonKey.OURS: ("our side: {outcome}", "我方问题：{outcome}"),
    ReasonKey.ANSWER_UNUSABLE: ("answered, but: {outcome}", "有应答，但：{outcome}"),
}
_METRICS: Final[Mapping[str, Pair]] = {
    "ttft": ("first token", "首个 token"),
    "response": ("response time", "响应时间"),
    "throughput": ("tokens per second", "每秒 token 数"),
}
PHRASES: Final[Mapping[str, Pair]] = {
    "models": ("{n} models", "{n} 个模型"),
    "still": ("Still: {what}", "仍未恢复：{what}"),
    "recovered": ("Recovered", "已恢复"),
    "ended": ("No longer watched", "已停止监测"),
    "after": ("{what} after {duration}", "{what}，历时 {duration}"),
    "flapping": ("Flapping", "反复波动"),
    "flapping_body": (
        "goes up and down, {n} times or more within {window}. Further alerts on it are held back unless it stays "
        "bad for {hold}.",
        "在 {window} 内反复波动 {n} 次以上。除非持续异常 {hold}，后续告警将被暂缓。",
    ),
    "since": ("since {at} UTC, for {duration}", "自 {at} UTC 起，已持续 {duration}"),
    "span": ("from {start} to {end} UTC", "{start} 至 {end} UTC"),
    "until": ("from {start} UTC; how it ended is not known", "自 {start} UTC 起；如何结束不得而知"),
    "cause": ("cause: {cause}", "原因：{cause}"),
    "more": ("and {n} more", "另有 {n} 个"),
    "test": ("Test of channel {name}", "通道 {name} 的测试"),
    "test_body": (
        "This is a test that somebody asked for; nothing is wrong. Alerts on incidents will arrive like this.",
        "这是一条人工触发的测试消息，一切正常。事件告警将以此方式送达。",
    ),
}


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self._index = tuple(Language).index(language)

    def pick(self, pair: Pair) -> str:
        return pair[self._index]

    def phrase(self, key: str, **values: object) -> str:
        return self.pick(PHRASES[key]).format(**values)

    def reason(self, reason: Reason) -> str:
        """A key or figure that a newer agent wrote stands for itself."""
        pair = _REASONS.get(reason.key)
        if pair is None:
            return reason.key.replace("_", " ")
        is_time = dict(reason.params).get("metric") in ("ttft", "response")
        unit = " s" if is_time else ""
        figures = {key: self._figure(key, value, unit) for key, value in reason.params}
        try:
            return self.pick(pair).format(**figures)
        except KeyError:
            return reason.key.replace("_", " ")

    def _figure(self, key: str, value: str | int | float, unit: str) -> str:
        named: Mapping[str, Callable[[], Pair | None]] = {
            "outcome": lambda: OUTCOMES.get(Outcome(value)) if value in set(Outcome) else None,
            "category": lambda: CATEGORIES.get(Category(value)) if value in set(Category) else None,
            "metric": lambda: _METRICS.get(str(value)),
        }
        pair = named[key]() if key in named else None
        if pair is not None:
            return self.pick(pair)
        return f"{value:.3g}{unit}" if isinstance(value, float) else str(value)

    def duration(self, seconds: float) -> str:
        """ "45 s", "12 min", "2 h 5 min", "3 d 4 h"."""
        minutes, hours = round(seconds / 60), round(seconds / 3600)
        units = ("s", "min", "h", "d") if self._index == 0 else ("秒", "分钟", "小时", "天")
        if seconds < 90:
            return f"{max(0, round(seconds))} {units[0]}"
        if minutes < 120:
            return f"{minutes} {units[1]}"
        if hours < 48:
            return f"{minutes // 60} {units[2]}" + (f" {minutes % 60} {units[1]}" if minutes % 60 else "")
        return f"{hours // 24} {units[3]}" + (f" {hours % 24} {units[2]}" if hours % 24 else "")
