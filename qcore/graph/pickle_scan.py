"""What a pickle would do, read from its opcodes without doing any of it.

``torch.load(weights_only=True)`` runs no foreign code, yet it allocates what a pickle asks for: a
file of a few hundred bytes may call ``bytearray`` or ``torch.FloatTensor`` with 10^12, or claim an
old-format storage of that size. So the stream is walked first, and only ordinary tensors in
containers, inside the file's bytes, pass. Source of the opcodes: Python's ``pickletools``.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any

from qcore.graph.pickle_objects import (
    BoundedTuple,
    Fillable,
    ForeignObject,
    Global,
    OddPickle,
    Opaque,
    Storage,
    call,
    named,
    sized,
)

_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_FILLS = {"APPENDS", "SETITEMS", "ADDITEMS"}
_COLLECTS = {"LIST", "DICT", "FROZENSET"}
_QUIET = {"PROTO", "FRAME", "STOP"}


class _Mark:
    pass


def scan_pickle(stream: IO[bytes]) -> dict[str, Storage]:
    """The storages that the next pickle in the stream names, by key.

    Leaves the stream after the pickle. Raises ForeignObject, naming what would be called, and
    OddPickle.
    """
    return _Walk().run(stream)


class _Walk:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def run(self, stream: IO[bytes]) -> dict[str, Storage]:
        try:
            for opcode, argument, _ in pickletools.genops(stream):
                self._step(opcode, argument)
        except (ForeignObject, OddPickle):
            raise
        except Exception as error:  # genops and a short stack raise several types
            raise OddPickle(f"its pickle is broken ({str(error)[:80]})") from error
        return self.storages

    def _step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        name, stack = opcode.name, self.stack
        special: Callable[[], None] | None = getattr(self, f"_do_{name.lower()}", None)
        if special is not None:
            special()
        elif name in _QUIET:
            pass
        elif name in _PUTS:
            self.memo[int(argument)] = stack[-1]
        elif name in _GETS:
            stack.append(self.memo[int(argument)])
        elif name in _FILLS:
            self._to_mark()
        elif name in _COLLECTS:
            self._to_mark()
            stack.append(Opaque())
        elif name == "GLOBAL":
            stack.append(named(argument.replace(" ", "."), self._place()))
        elif not opcode.stack_before and len(opcode.stack_after) == 1:
            stack.append(Opaque() if argument is None and name != "NONE" else argument)
        else:
            raise OddPickle(f"its pickle uses the instruction {name}")

    def _do_mark(self) -> None:
        self.stack.append(_Mark())

    def _do_pop(self) -> None:
        self.stack.pop()

    def _do_pop_mark(self) -> None:
        self._to_mark()

    def _do_memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _do_empty_tuple(self) -> None:
        self.stack.append(BoundedTuple())

    def _do_tuple(self) -> None:
        self.stack.append(BoundedTuple(self._to_mark()))

    def _do_tuple1(self) -> None:
        self.stack[-1:] = [BoundedTuple(self.stack[-1:])]

    def _do_tuple2(self) -> None:
        self.stack[-2:] = [BoundedTuple(self.stack[-2:])]

    def _do_tuple3(self) -> None:
        self.stack[-3:] = [BoundedTuple(self.stack[-3:])]

    def _do_append(self) -> None:
        self.stack.pop()

    def _do_setitem(self) -> None:
        del self.stack[-2:]

    def _do_stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(named(f"{module}.{name}", self._place()))

    def _do_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Global):
            raise ForeignObject("an unnamed function")
        self.stack.append(call(function.name, arguments, self._place()))

    def _do_build(self) -> None:
        self.stack.pop()
        if not isinstance(self.stack[-1], Fillable):
            raise OddPickle("it gives attributes to something that is no dictionary")

    def _do_binpersid(self) -> None:
        match self.stack.pop():
            case ("module", Global(name=name), *_):
                raise ForeignObject(name)
            case ("storage", Global(name=kind), str(key), str(), int(count), *rest):
                if rest not in ([], [None]):
                    raise OddPickle("it holds views of storages in an outdated form")
                storage = sized(key, kind, count)
                if self.storages.setdefault(key, storage) != storage:
                    raise OddPickle(f"its storage {key!r} has two sizes")
                self.stack.append(storage)
            case _:
                raise OddPickle("it refers to something outside of itself")

    def _place(self) -> str:
        """The name of what is being built: the nearest text below on the stack."""
        return next((value for value in reversed(self.stack) if isinstance(value, str)), "?")

    def _to_mark(self) -> list[Any]:
        at = max(i for i, value in enumerate(self.stack) if isinstance(value, _Mark))
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items
