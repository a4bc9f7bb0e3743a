"""The paths of many explorations at once, as `measure_path` and `dead_ends` judge each."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Truth = NDArray[np.bool_]

__all__ = ["PathColumns", "measure_paths"]

_NO_WAY_ON = pa.array(["below_threshold", "cycle"])


class PathColumns(NamedTuple):
    """What explorations show, by row: `paths` a row an exploration, the others a row a hop or concept.

    `paths`: `path_length`, `exploration_depth`, `similarity_threshold`, `anomalous_hops` (their number,
    null where there is no threshold). `hops` are the followed ones: `exploration` (its row), `node`,
    `relation`, `next_node`, `depth`, and whether each is `anomalous` (null without a threshold).
    `dead_ends`: `exploration` (its row), `concept`, and whether it `has_relations`.
    """

    paths: pa.Table
    hops: pa.Table
    dead_ends: pa.Table


def measure_paths(explorations: pa.Table) -> PathColumns:
    """The paths of explorations, by their `hops`, `seeds`, `retrieval_params`, `source` and `status`."""
    return _Paths(explorations.combine_chunks()).measured()


class _Paths:
    def __init__(self, explorations: pa.Table) -> None:
        self._explorations = explorations
        self._size = explorations.num_rows
        hops = _array(explorations["hops"])
        self._of = _rows(hops)
        flat = pc.list_flatten(hops)
        self._flat = flat
        self._depth = _whole(pc.fill_null(pc.struct_field(flat, "depth"), 1))
        verdict = pc.fill_null(pc.struct_field(flat, "verdict"), "followed")
        self._followed = _truth(pc.equal(verdict, "followed"))
        self._leads_on = ~_truth(pc.is_in(verdict, _NO_WAY_ON))
        params = _array(explorations["retrieval_params"])
        self._threshold = pc.struct_field(params, "similarity_threshold")
        self._most_levels = pc.struct_field(params, "depth")
        self._most_hops = pc.struct_field(params, "max_hops")

    def measured(self) -> PathColumns:
        of, depth = self._of[self._followed], self._depth[self._followed]
        deepest = np.zeros(self._size, np.int64)
        np.maximum.at(deepest, of, depth)
        threshold = _floats(self._threshold)
        judged = ~np.isnan(threshold)
        anomalous = self._anomalous(threshold)
        paths = {
            "path_length": pa.array(np.bincount(of, minlength=self._size)),
            "exploration_depth": pa.array(deepest),
            "similarity_threshold": self._threshold,
            "anomalous_hops": pa.array(np.bincount(of[anomalous], minlength=self._size), mask=~judged),
        }
        followed = self._flat.filter(pa.array(self._followed))
        hops = {
            "exploration": pa.array(of),
            **{name: pc.struct_field(followed, name) for name in ("node", "relation", "next_node")},
            "depth": pa.array(depth),
            "anomalous": pa.array(anomalous, mask=~judged[of]),
        }
        return PathColumns(pa.table(paths), pa.table(hops), self._dead_ends())

    def _anomalous(self, threshold: "NDArray[np.float64]") -> "Truth":
        """Of the followed hops; what is not known is below nothing."""
        least = threshold[self._of]
        low = _floats(pc.struct_field(self._flat, "similarity_score")) < least
        low |= _floats(pc.struct_field(self._flat, "edge_similarity")) < least
        return low[self._followed]

    def _dead_ends(self) -> pa.Table:
        seeds = _array(self._explorations["seeds"])
        first = pc.struct_field(pc.list_flatten(seeds), "node")
        following = pc.struct_field(self._flat, "next_node")
        nodes = pc.struct_field(self._flat, "node")
        names = pc.dictionary_encode(pa.concat_arrays([first, following, nodes]))
        codes = _whole(names.indices.cast(pa.int64()))
        first_codes, next_codes, node_codes = np.split(codes, [len(first), len(first) + len(following)])
        of = np.concatenate([_rows(seeds), self._of[self._followed]])
        level = np.concatenate([np.ones(len(first), np.int64), self._depth[self._followed] + 1])
        concept = np.concatenate([first_codes, next_codes[self._followed]])
        reached = self._is_looked_at(of, level)
        order = np.lexsort((np.arange(len(of)), level, of))
        order = order[reached[order]]
        of, concept = of[order], concept[order]
        width = len(names.dictionary) + 1
        at, looked_from = of * width + concept, self._of * width + node_codes
        dead = ~_among(at, looked_from[self._leads_on])
        return pa.table(
            {
                "exploration": pa.array(of[dead]),
                "concept": names.dictionary.take(pa.array(concept[dead])),
                "has_relations": pa.array(_among(at[dead], looked_from)),
            },
        )

    def _is_looked_at(self, of: "Whole", level: "Whole") -> "Truth":
        """Which concepts, each at a level of an exploration, are in its `frontiers`."""
        explored = _truth(pc.equal(self._explorations["source"], "explorer"))
        deepest = np.zeros(self._size, np.int64)
        np.maximum.at(deepest, self._of, self._depth)
        bounded = _truth(pc.equal(self._explorations["status"], "ok"))
        bounded &= _truth(self._most_levels.is_valid()) & _truth(self._most_hops.is_valid())
        most_levels = _whole(pc.fill_null(self._most_levels, 0))
        most_hops = _whole(pc.fill_null(self._most_hops, 0))
        last = np.where(bounded, most_levels, deepest)
        reached = explored[of] & (level <= last[of])
        return reached & (
            ~bounded[of] | ((self._followed_before(of, level) < most_hops[of]) & _without_a_gap(of, level))
        )

    def _followed_before(self, of: "Whole", level: "Whole") -> "Whole":
        """How many hops of the exploration were followed on the levels before this one."""
        width = int(max(level.max(initial=0), self._depth.max(initial=0))) + 2
        hops = np.sort(self._of[self._followed] * width + self._depth[self._followed])
        found: Whole = np.searchsorted(hops, of * width + level) - np.searchsorted(hops, of * width)
        return found


def _among(some: "Whole", every: "Whole") -> "Truth":
    """Which of `some` are in `every`: as `np.isin`, in a fraction of its time for what is nearly in order."""
    in_order = np.sort(every, kind="stable")
    found: Truth = np.searchsorted(in_order, some, "right") > np.searchsorted(in_order, some, "left")
    return found


def _without_a_gap(of: "Whole", level: "Whole") -> "Truth":
    """Whether the exploration has concepts on each level from the first to this one."""
    width = int(level.max(initial=0)) + 1
    pairs, place = np.unique(of * width + level, return_inverse=True)
    row, present = pairs // width, pairs % width
    rank = np.arange(len(pairs)) - np.searchsorted(row, row)
    whole: Truth = (present == rank + 1)[place]
    return whole


def _array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _rows(lists: pa.Array) -> "Whole":
    """The row that each element of the flattened lists is of."""
    return _whole(pc.list_parent_indices(lists))


def _whole(numbers: pa.Array) -> "Whole":
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.int64)


def _floats(numbers: pa.Array) -> "NDArray[np.float64]":
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _truth(flags: pa.Array | pa.ChunkedArray) -> "Truth":
    return np.asarray(pc.fill_null(flags, False).to_numpy(zero_copy_only=False), bool)
