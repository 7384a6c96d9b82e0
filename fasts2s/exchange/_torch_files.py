"""Models in files of PyTorch: state dicts, which are read as nothing but numbers."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from fasts2s.backend import BackendLike, FloatName, get_backend
from fasts2s.checkpoint.container import require_json
from fasts2s.exchange._files import write_octets
from fasts2s.exchange._params import book_model, fitting
from fasts2s.exchange._torch import empty_module, from_module, to_module
from fasts2s.exchange._torch_models import SAYS
from fasts2s.models.storage import construct
from fasts2s_kernels.checks.arguments import mapping

_Shapes = dict[str, tuple[int, ...]]


def save(path: Path, model: Any, extra: Mapping[str, Any] | None) -> None:
    """Write the state dict of a model's module. Raises ValueError, OSError."""
    more = {} if extra is None else dict(mapping("extra", extra))
    require_json("extra", more)
    state = to_module(model).state_dict()
    # Beside the tensors, where load_state_dict does not look: any module of these names takes the file.
    said = state._metadata[""]
    said[SAYS] = json.dumps({**json.loads(said[SAYS]), "extra": more})
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_octets(path, buffer.getvalue())


def load(
    path: Path, name: str | None, reverse: bool, pad_id: int | None, backend: BackendLike | None
) -> tuple[Any, dict[str, Any]]:
    """Return model and extra. Raises ValueError."""
    state = _state(path)
    tensors = {key: _tensor(path, key, tensor) for key, tensor in state.items()}
    shapes: _Shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    is_double = any(tensor.dtype == torch.float64 for tensor in tensors.values())
    dtype: FloatName | None = "float64" if is_double else None
    chosen, said = get_backend(backend, dtype=dtype), _said(state)
    if said is None:
        kind, V, D, H = fitting(_module_shapes, shapes, _sizes(shapes), name, str(path))
        model, extra = book_model(kind, (V, D, H), reverse, pad_id, chosen), {}
    else:
        for what, value, usual in (("name", name, None), ("reverse", reverse, False), ("pad_id", pad_id, None)):
            if value != usual:
                raise ValueError(f"{what} is {value!r}, expected {usual}: {path} says itself what it holds")
        model, extra = construct(path, tensors, said, chosen), said["extra"]
    module = to_module(model)
    wanted = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    if shapes != wanted:
        raise ValueError(f"{path} holds tensors {shapes}, expected those of {type(model).__name__}: {wanted}")
    if module.linear.weight is module.embed.weight and not torch.equal(
        tensors["linear.weight"], tensors["embed.weight"]
    ):
        raise ValueError(f"{path} has a linear.weight that is not its embed.weight, expected {type(model).__name__}")
    module.load_state_dict(tensors)
    return from_module(module, chosen), extra


def _state(path: Path) -> Any:
    """Return what a file holds. Raises ValueError."""
    wanted = "expected a state dict: torch.save(module.state_dict(), path)"
    content = io.BytesIO(path.read_bytes())
    try:
        state = torch.load(content, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # damaged files make PyTorch raise nearly everything
        said = " ".join(str(error).split())
        raise ValueError(f"{path} cannot be read ({type(error).__name__}: {said:.99}), {wanted}") from None
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise ValueError(f"{path} holds a {type(state).__name__}, {wanted}")
    return state


def _tensor(path: Path, key: str, tensor: Any) -> Any:
    if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point() or tensor.is_meta:
        kind = tensor.dtype if isinstance(tensor, torch.Tensor) else type(tensor).__name__
        raise ValueError(f"{path} holds {key!a:.99} of {kind}, expected tensors of real numbers")
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _said(state: Any) -> dict[str, Any] | None:
    """Return what a state dict says of its model; None: nothing."""
    try:
        said = json.loads(state._metadata[""][SAYS])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return {"extra": {}, **said} if isinstance(said, dict) else None


def _sizes(shapes: _Shapes) -> tuple[int, int, int] | None:
    """Return V, D and H of a model of the book; None if there are no such tensors."""
    vectors = shapes.get("embed.weight", ())
    recurrent = shapes.get("decoder.0.weight_hh_l0", shapes.get("recurrent.0.weight_hh_l0", ()))
    if len(vectors) != 2 or len(recurrent) != 2:
        return None
    return vectors[0], vectors[1], recurrent[1]


def _module_shapes(form: Any) -> _Shapes:
    with torch.device("meta"):
        return {key: tuple(tensor.shape) for key, tensor in empty_module(form).state_dict().items()}
