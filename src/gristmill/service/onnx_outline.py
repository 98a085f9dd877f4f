"""Reads the inputs of an ONNX model out of its protobuf, as a stream; weights are skipped, nothing is loaded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

from gristmill.domain.model_schema import Field

_GRAPH, _INITIALIZER, _INPUT = 7, 5, 11  # ModelProto.graph; GraphProto.initializer and .input
_NAME, _TYPE, _TENSOR, _ELEMENT, _SHAPE, _DIMENSION, _SIZE = 1, 2, 1, 1, 2, 1, 1
_MOST_VALUE_BYTES = 64 * 1024
_BLOCK_BYTES = 1024 * 1024
_TYPES = dict(
    enumerate(
        (
            *("any", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"),
            *("float16", "float64", "uint32", "uint64"),
        )
    )
)  # by the numbers of TensorProto.DataType


def onnx_fields(stream: IO[bytes]) -> tuple[Field, ...]:
    """Return the inputs of a model that takes several, a column each; none for one that takes a matrix.

    What cannot be followed is told as no fields: what is wrong with the file shows when it is loaded.
    """
    try:
        found, weights = _Reader(stream).inputs()
    except (EOFError, ValueError):
        return ()
    fields = tuple(field for field in found if field.name not in weights)
    return fields if len(fields) > 1 else ()


class _Reader:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._position = 0
        self._end = -1  # of the graph
        self._length = 0  # of what comes next

    def inputs(self) -> tuple[list[Field], set[str]]:
        """Return the graph's inputs, and the names of its weights, which older files list among them."""
        found: list[Field] = []
        weights: set[str] = set()
        while (number := self._graph_field()) is not None:
            if number == _INPUT:
                found.append(_field(self._bytes(self._length)))
            else:
                weights.add(self._weight_name(self._length))
        return found, weights

    def _graph_field(self) -> int | None:
        """Go to the next input or weight within a graph; ``_length`` is how long it is."""
        while (key := self._varint(may_end=True)) is not None:
            number, wire = key >> 3, key & 7
            if wire != 2:
                self._skip_scalar(wire)
                continue
            self._length = self._needed()
            if not self._inside() and number == _GRAPH:
                self._end = self._position + self._length
            elif self._inside() and number in (_INPUT, _INITIALIZER):
                return number
            else:
                self._skip(self._length)
        return None

    def _inside(self) -> bool:
        return self._position < self._end

    def part(self) -> tuple[int, int | bytes] | None:
        """Return the next field, None at the end; numbers of fixed width are passed over as 0."""
        key = self._varint(may_end=True)
        if key is None:
            return None
        number, wire = key >> 3, key & 7
        if wire == 0:
            return number, self._needed()
        if wire == 2:
            return number, self._bytes(self._needed())
        self._skip_scalar(wire)
        return number, 0

    def _weight_name(self, length: int) -> str:
        """Read a tensor up to its end; its name is field 8."""
        end, name = self._position + length, ""
        while self._position < end:
            key = self._needed()
            number, wire = key >> 3, key & 7
            if wire != 2:
                self._skip_scalar(wire)
                continue
            size = self._needed()
            if number == 8:
                name = self._bytes(size).decode("utf-8", errors="replace")
            else:
                self._skip(size)
        return name

    def _skip_scalar(self, wire: int) -> None:
        if wire == 0:
            self._needed()
        elif wire in (1, 5):
            self._skip(8 if wire == 1 else 4)
        else:
            raise ValueError(wire)

    def _needed(self) -> int:
        value = self._varint()
        assert value is not None
        return value

    def _varint(self, *, may_end: bool = False) -> int | None:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._stream.read(1)
            if not byte:
                if may_end and shift == 0:
                    return None
                raise EOFError
            self._position += 1
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return value
        raise ValueError("no number")

    def _bytes(self, length: int) -> bytes:
        if length > _MOST_VALUE_BYTES:
            raise ValueError(length)
        parts = b""
        while len(parts) < length:
            block = self._stream.read(length - len(parts))
            if not block:
                raise EOFError
            parts += block
        self._position += length
        return parts

    def _skip(self, length: int) -> None:
        left = length
        while left > 0:
            block = self._stream.read(min(left, _BLOCK_BYTES))
            if not block:
                raise EOFError
            left -= len(block)
        self._position += length


def _field(value: bytes) -> Field:
    """Read a ValueInfoProto: its name, the type of its elements, and whether a row has one of them."""
    parts = _parts(value)
    name = next((part.decode("utf-8", errors="replace") for part in _blobs(parts, _NAME)), "")
    tensor = next((blob for kind in _blobs(parts, _TYPE) for blob in _blobs(_parts(kind), _TENSOR)), b"")
    inner = _parts(tensor)
    element = next((each for number, each in inner if number == _ELEMENT and isinstance(each, int)), 0)
    shape = next(_blobs(inner, _SHAPE), b"")
    sizes = [
        next((size for number, size in _parts(each) if number == _SIZE), None)
        for each in _blobs(_parts(shape), _DIMENSION)
    ]
    flat = all(not isinstance(size, int) or size == 1 for size in sizes[1:])
    return Field(name, _TYPES.get(element, "any") if flat else "tensor")


def _parts(data: bytes) -> list[tuple[int, int | bytes]]:
    """Return the fields of a short message: numbers and strings of bytes."""
    reader, found = _Reader(io.BytesIO(data)), list[tuple[int, int | bytes]]()
    while (part := reader.part()) is not None:
        found.append(part)
    return found


def _blobs(parts: list[tuple[int, int | bytes]], number: int) -> Iterator[bytes]:
    yield from (value for each, value in parts if each == number and isinstance(value, bytes))
