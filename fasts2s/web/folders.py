"""The models of folders, by the names that the page shows."""

from collections.abc import Sequence
from pathlib import Path

from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.answering import holds_pairs, load
from fasts2s.commands.ask import require_facts
from fasts2s.commands.writer import Writer
from fasts2s.web.models import Answering, BookModel, LanguageModel, PairsModel

_HINT = "fasts2s train addition --out DIR"


def load_models(folders: Sequence[str], backend: BackendLike | None = None) -> dict[str, Answering]:
    """Read what ``fasts2s train`` wrote into folders.

    Returns
    -------
    dict of models by the names of their folders; of two with one name the second is name-2.

    Raises
    ------
    CommandError, ValueError, OSError : there is no model in a folder, or it is damaged.
    """
    models: dict[str, Answering] = {}
    for folder in folders:
        models[_new_name(Path(folder), models)] = _load(folder, backend)
    return models


def _load(folder: str, backend: BackendLike | None) -> Answering:
    if holds_pairs(folder):
        return PairsModel(load(folder, backend))
    model, extra = run_folder.read_model(folder, ("addition", "date", "lm"), _HINT, backend)
    if extra["task"] == "lm":
        return LanguageModel(Writer.load(folder, backend))
    require_facts(folder, model, extra)
    return BookModel(model, extra)


def _new_name(folder: Path, taken: dict[str, Answering]) -> str:
    # Bytes of a name that are no text cannot be shown.
    wanted = folder.resolve().name.encode(errors="replace").decode() or "model"
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}-{k}"
    return name
