"""Sets of whole numbers as sorted, disjoint ranges: which seqs of an epoch are known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Range = tuple[int, int]


class IntervalSet:
    """A set of integers kept as ranges, both ends included. Neighbouring ranges are joined."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first: int, last: int) -> None:
        """Put `first` to `last` into the set; what is in already stays. An empty range changes nothing."""
        if last < first:
            return
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def missing(self, first: int, last: int) -> list[Range]:
        """Return the parts of `first` to `last` that are not in the set, in order."""
        holes: list[Range] = []
        position = first
        for index in range(bisect_left(self._lasts, first), len(self._firsts)):
            if self._firsts[index] > last:
                break
            if self._firsts[index] > position:
                holes.append((position, self._firsts[index] - 1))
            position = self._lasts[index] + 1
        if position <= last:
            holes.append((position, last))
        return holes

    def overlap(self, first: int, last: int) -> list[Range]:
        """Return the parts of `first` to `last` that are in the set, in order."""
        found: list[Range] = []
        for index in range(bisect_left(self._lasts, first), len(self._firsts)):
            if self._firsts[index] > last:
                break
            found.append((max(first, self._firsts[index]), min(last, self._lasts[index])))
        return found

    def contiguous_from(self, first: int) -> int:
        """Return the last number reachable from `first` without a hole; `first - 1` if `first` is missing."""
        index = bisect_left(self._lasts, first)
        if index < len(self._firsts) and self._firsts[index] <= first:
            return self._lasts[index]
        return first - 1

    @property
    def highest(self) -> int:
        """The largest number in the set; 0 when it is empty."""
        return self._lasts[-1] if self._lasts else 0

    def __iter__(self) -> Iterator[Range]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __contains__(self, number: int) -> bool:
        index = bisect_left(self._lasts, number)
        return index < len(self._firsts) and self._firsts[index] <= number

    def __len__(self) -> int:
        """How many numbers are in the set (not how many ranges)."""
        return sum(last - first + 1 for first, last in self)
