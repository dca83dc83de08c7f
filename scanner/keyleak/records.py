"""Dataclasses that cost next to nothing until they are used.

`dataclasses` writes six methods for each class as source text and compiles them: a third of a millisecond a
class, at every start, and some eighty classes lie on a commit's way. The methods here are made of functions
that exist already. `dataclass`, `field` and `replace` mean what they mean in the standard library, whose own
functions (`replace`, `fields`, `asdict`) take these records too; a type checker sees the standard library's.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["dataclass", "field", "replace"]

_MISSING: Final = object()


class _Field(NamedTuple):
    """What a record knows of a field."""

    default: object = _MISSING
    default_factory: Callable[[], object] | None = None
    init: bool = True
    repr: bool = True
    compare: bool = True

    def absent(self) -> object:
        """The value where none is given."""
        return self.default if self.default_factory is None else self.default_factory()


def _field(**facts: Any) -> _Field:
    return _Field(**facts)


def _dataclass(*, frozen: bool = False, slots: bool) -> Callable[[type[Any]], type[Any]]:
    if not slots:
        raise ValueError("records have slots")
    return _frozen_record if frozen else _open_record


def _replace(record: Any, /, **changes: object) -> Any:
    fields: Mapping[str, _Field] | None = getattr(record, "__record_fields__", None)
    if fields is None:
        import dataclasses  # noqa: PLC0415 - see the module's text

        return dataclasses.replace(record, **changes)
    wrong = changes.keys() - fields.keys()
    if wrong or not all(each.init for each in fields.values()):
        for name, each in fields.items():
            if each.init and name not in changes:
                changes[name] = getattr(record, name)
        return type(record)(**changes)
    return type(record)(*[changes[name] if name in changes else getattr(record, name) for name in fields])


def _open_record(kind: type[Any]) -> type[Any]:
    fields = _fields_of(kind)
    made = _with_slots(kind, fields)
    made.__init__ = _init_of(made, fields)
    made.__eq__ = _eq_of([name for name, each in fields.items() if each.compare])  # type: ignore[assignment]
    made.__repr__ = _repr_of([name for name, each in fields.items() if each.repr])  # type: ignore[assignment]
    made.__hash__ = None  # type: ignore[assignment]
    return made


def _frozen_record(kind: type[Any]) -> type[Any]:
    made = _open_record(kind)
    compared = _values_of([name for name, each in made.__record_fields__.items() if each.compare])
    made.__hash__ = lambda record: hash(compared(record))  # type: ignore[assignment, misc]
    made.__setattr__ = _refuse_to_set  # type: ignore[assignment]
    made.__delattr__ = _refuse_to_delete  # type: ignore[assignment]
    made.__getstate__ = _getstate  # type: ignore[assignment]
    made.__setstate__ = _setstate_of(_setters(made))
    return made


def _fields_of(kind: type[Any]) -> dict[str, _Field]:
    fields = {}
    for name in kind.__annotations__:
        default = kind.__dict__.get(name, _MISSING)
        if type(default).__hash__ is None:
            raise ValueError(f"the default of {kind.__name__}.{name} can be changed: give a factory")
        fields[name] = default if isinstance(default, _Field) else _Field(default)
    return fields


def _with_slots(kind: type[Any], fields: Mapping[str, _Field]) -> type[Any]:
    """The class again, as slots can only be given to a new one."""
    left_out = {*fields, "__dict__", "__weakref__"}
    namespace = {name: value for name, value in kind.__dict__.items() if name not in left_out}
    namespace["__slots__"] = tuple(fields)
    namespace["__match_args__"] = tuple(name for name, each in fields.items() if each.init)
    namespace["__qualname__"] = kind.__qualname__
    namespace["__record_fields__"] = fields
    namespace["__dataclass_fields__"] = _StandardFields()
    metaclass: Any = type(kind)
    return cast("type[Any]", metaclass(kind.__name__, kind.__bases__, namespace))


def _setters(made: type[Any]) -> list[Callable[[object, object], None]]:
    """What fills the slots, also those of a frozen record."""
    return [made.__dict__[name].__set__ for name in made.__slots__]


def _init_of(made: type[Any], fields: Mapping[str, _Field]) -> Callable[..., None]:
    setters, given, count = _setters(made), made.__match_args__, len(fields)
    all_given, after = len(given) == count, getattr(made, "__post_init__", None)

    def init(self: object, /, *values: object, **named: object) -> None:
        if named or len(values) != count or not all_given:
            values = _arranged(made, _bound(made.__name__, given, values, named))
        for put, value in zip(setters, values, strict=True):
            put(self, value)
        if after is not None:
            after(self)

    return init


def _bound(
    name: str, given: Sequence[str], values: tuple[object, ...], named: dict[str, object]
) -> dict[str, object]:
    """Arguments by name."""
    if len(values) > len(given):
        raise TypeError(f"{name}() takes {len(given)} arguments, not {len(values)}")
    known = dict(zip(given, values, strict=False))
    if wrong := [each for each in named if each in known or each not in given]:
        raise TypeError(f"{name}() got unexpected or repeated arguments: {', '.join(wrong)}")
    return known | named


def _arranged(made: type[Any], known: Mapping[str, object]) -> tuple[object, ...]:
    """A value for every field."""
    values = tuple(
        known[name] if name in known else each.absent() for name, each in made.__record_fields__.items()
    )
    if _MISSING in values:
        lacking = made.__slots__[values.index(_MISSING)]
        raise TypeError(f"{made.__name__}() is missing the argument {lacking!r}")
    return values


def _getstate(record: Any) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in record.__slots__)


def _setstate_of(setters: Sequence[Callable[[object, object], None]]) -> Callable[..., None]:
    def setstate(self: object, state: tuple[object, ...]) -> None:
        for put, value in zip(setters, state, strict=True):
            put(self, value)

    return setstate


def _eq_of(compared: Sequence[str]) -> Callable[[object, object], bool]:
    values = _values_of(compared)

    def eq(self: object, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented  # type: ignore[no-any-return]
        return bool(values(self) == values(other))

    return eq


def _repr_of(shown: Sequence[str]) -> Callable[[object], str]:
    def text(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({values})"

    return text


def _values_of(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    """A function that gives the values of a record's fields."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _refuse_to_set(_record: object, name: str, _value: object) -> None:
    _refuse(f"cannot assign to field {name!r}")


def _refuse_to_delete(_record: object, name: str) -> None:
    _refuse(f"cannot delete field {name!r}")


def _refuse(why: str) -> None:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415 - see the module's text

    raise FrozenInstanceError(why)


class _StandardFields:
    """`__dataclass_fields__`, made where the standard library asks for it."""

    def __get__(self, _record: object, kind: type[Any]) -> dict[str, Any]:
        import dataclasses  # noqa: PLC0415 - see the module's text

        fields = [(name, object, _standard(each)) for name, each in kind.__record_fields__.items()]
        model: Any = dataclasses.make_dataclass(kind.__name__, fields, kw_only=True)
        # Once for each class: the standard library's `replace` asks for them at every call.
        kind.__dataclass_fields__ = model.__dataclass_fields__
        return cast("dict[str, Any]", model.__dataclass_fields__)


def _standard(each: _Field) -> Any:
    import dataclasses  # noqa: PLC0415 - see the module's text

    facts: dict[str, Any] = {"init": each.init, "repr": each.repr, "compare": each.compare}
    if each.default_factory is not None:
        facts["default_factory"] = each.default_factory
    elif each.default is not _MISSING:
        facts["default"] = each.default
    return dataclasses.field(**facts)


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _field, _replace
