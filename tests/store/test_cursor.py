"""Page cursors: opaque, safe in a URL, refused when they were not ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.store.base import CursorError
from probes.store.cursor import Position, cursor_of, position_of


@given(
    st.integers(-(10**13), 10**14),
    st.text(min_size=1, max_size=60).filter(lambda t: not t[0].isspace()),
    st.booleans(),
)
def test_a_cursor_leads_back_to_its_position(due_at_ms: int, identity: str, oldest_first: bool) -> None:
    position = Position(due_at_ms, identity)

    cursor = cursor_of(position, oldest_first=oldest_first)

    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert position_of(cursor, oldest_first=oldest_first) == position


@given(st.text(max_size=100))
def test_any_other_text_is_refused_and_never_an_error_of_ours(text: str) -> None:
    with pytest.raises(CursorError):
        position_of(text, oldest_first=False)
