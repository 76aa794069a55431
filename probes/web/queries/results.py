"""Raw records, one key-paged page at a time. What /result shows and /api/v1/results says."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from probes.domain.result import ProbeResult
from probes.store.base import MAX_PAGE_SIZE, ResultQuery, Store
from probes.store.cursor import Position, cursor_of
from probes.store.records import milliseconds

DEFAULT_SPAN: Final = timedelta(days=90)  # every reading has a bound in time


@dataclass(frozen=True, slots=True)
class ResultsView:
    """One page, always newest first, whichever way it was reached."""

    query: ResultQuery  # as it was answered: bounded in time
    results: tuple[ProbeResult, ...]
    older_cursor: str | None  # for `?cursor=`; None: there are no older results
    newer_cursor: str | None  # for `?after=`; None: this page has the newest

    @property
    def newest_cursor(self) -> str | None:
        """For `?after=`: what came in since; None on a page without results."""
        return _cursor(self.results[0] if self.results else None, oldest_first=True)


def result_page(store: Store, query: ResultQuery, now: datetime) -> ResultsView:
    """The page behind the query's cursor; with `oldest_first` the results just newer than it. Raises CursorError."""
    bounded = replace(query, since=query.since or now - DEFAULT_SPAN)
    page = store.results(bounded)
    if not bounded.oldest_first:
        newest = page.results[0] if page.results and bounded.cursor is not None else None
        return ResultsView(bounded, page.results, page.next_cursor, _cursor(newest, oldest_first=True))
    results = tuple(reversed(page.results))
    oldest = results[-1] if results else None
    return ResultsView(bounded, results, _cursor(oldest, oldest_first=False), page.next_cursor)


def browsed_page(store: Store, query: ResultQuery, now: datetime) -> ResultsView:
    """As result_page; but who pages back to the newest results gets a full page of them, not the few that are left."""
    view = result_page(store, query, now)
    if query.oldest_first and view.newer_cursor is None:
        return result_page(store, replace(query, cursor=None, oldest_first=False), now)
    return view


def every_page(store: Store, query: ResultQuery, now: datetime) -> Iterator[tuple[ProbeResult, ...]]:
    """All matching results, newest first, in key pages: memory holds one page however many there are."""
    bounded = replace(
        query,
        since=query.since or now - DEFAULT_SPAN,
        until=query.until or now + timedelta(days=1),
        cursor=None,
        oldest_first=False,
        limit=MAX_PAGE_SIZE,
    )
    while True:
        page = store.results(bounded)
        yield page.results
        if page.next_cursor is None:
            return
        bounded = replace(bounded, cursor=page.next_cursor)


def _cursor(result: ProbeResult | None, *, oldest_first: bool) -> str | None:
    if result is None:
        return None
    return cursor_of(Position(milliseconds(result.due_at), result.id), oldest_first=oldest_first)
