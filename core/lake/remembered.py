"""Answers over the whole inventory, remembered while nothing new is recorded and the day does not turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.lake.store import Store

Query = TypeVar("Query", bound=Callable[..., Any])
_ROOM = 32
"""A year of months and the questions of a page; the least used go first."""
_KEPT: WeakKeyDictionary[Store, OrderedDict[Hashable, tuple[Policy, Any]]] = WeakKeyDictionary()
_LOCK = Lock()


def remembered(query: Query) -> Query:
    """Let `query(store, policy, moment, ...)` answer from memory what it was asked at the same head and day.

    The answers are shared, so they must not be changed. Several questions of one page rest on the same,
    and the first page after a new entry waits for each only once.
    """

    @wraps(query)
    def recall(store: Store, policy: Policy, moment: Moment, *args: Any, **params: Any) -> Any:
        key = (query.__qualname__, id(policy), moment.seq, moment.day, args, tuple(sorted(params.items())))
        with _LOCK:
            kept = _KEPT.setdefault(store, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key][1]
        found = query(store, policy, moment, *args, **params)
        with _LOCK:
            kept[key] = (policy, found)  # the policy is held, so that its id stays its own
            while len(kept) > _ROOM:
                kept.popitem(last=False)
        return found

    return cast(Query, recall)
