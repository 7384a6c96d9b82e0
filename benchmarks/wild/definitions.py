"""Which files of a folder hold definitions that may be the book's, and under which name they are imported."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

#: Classes and functions of the book's chapters 3 to 8, by their names there.
_LAYERS = """
MatMul Affine Embedding Softmax SoftmaxWithLoss Sigmoid SigmoidWithLoss Dropout EmbeddingDot NegativeSamplingLoss
UnigramSampler RNN LSTM GRU TimeRNN TimeLSTM TimeGRU TimeBiLSTM TimeEmbedding TimeAffine TimeSoftmaxWithLoss
TimeSigmoidWithLoss TimeDropout Simple_TimeAffine Simple_TimeSoftmaxWithLoss WeightSum AttentionWeight Attention
TimeAttention
"""
_OTHERS = """
Encoder Decoder PeekyDecoder AttentionEncoder AttentionDecoder Seq2seq PeekySeq2seq AttentionSeq2seq SimpleRnnlm Rnnlm
BetterRnnlm RnnlmGen BetterRnnlmGen CBOW SkipGram SimpleCBOW SimpleSkipGram SGD Momentum Nesterov AdaGrad RMSprop Adam
Trainer RnnlmTrainer
"""
_FUNCTIONS = """
sigmoid relu softmax cross_entropy_error clip_grads remove_duplicate eval_seq2seq eval_perplexity
create_contexts_target convert_one_hot create_co_matrix ppmi
"""
BOOK_CLASSES = frozenset((_LAYERS + _OTHERS).split())
BOOK_FUNCTIONS = frozenset(_FUNCTIONS.split())
_MAGIC = re.compile(r"^([ \t]*)[%!?].*", re.MULTILINE)
_LEFT_OUT = {"site-packages", "node_modules", "__pycache__", ".git", ".ipynb_checkpoints"}


class File(NamedTuple):
    """A file with definitions.

    Attributes
    ----------
    path : Path
    module : str
        The name under which the folder's other files import it; "" of what is run itself: scripts, notebooks.
    base : Path
        The folder that is on the path when it is imported by that name, or that the script lies in.
    names : tuple of str
    """

    path: Path
    module: str
    base: Path
    names: tuple[str, ...]


def files(folder: Path) -> list[Path]:
    """Return the Python files and notebooks of a folder, without those of environments in it."""
    environments = {found.parent for found in folder.rglob("pyvenv.cfg")}
    found = sorted(p for kind in ("*.py", "*.ipynb") for p in folder.rglob(kind))
    return [p for p in found if not _LEFT_OUT & set(p.parts) and not environments & set(p.parents)]


def cells(notebook: Path) -> list[str]:
    """Return the code cells of a notebook, without magics; nothing where it cannot be read."""
    try:
        book = json.loads(notebook.read_text(encoding="utf-8"))
        found = [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return []
    return [_MAGIC.sub(r"\1pass", text if isinstance(text, str) else "".join(text)) for text in found]


def _trees(path: Path) -> Iterator[ast.Module]:
    texts = cells(path) if path.suffix == ".ipynb" else [path.read_bytes()]
    for text in texts:
        try:
            yield ast.parse(text)
        except (SyntaxError, ValueError):  # Python 2, cells that were never finished
            continue


def _has_its_shape(node: ast.ClassDef) -> bool:
    methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    return {"forward", "backward"} <= methods or {"__init__", "update"} <= methods


def _may_be_the_books(node: ast.ClassDef | ast.FunctionDef) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in BOOK_FUNCTIONS
    return node.name in BOOK_CLASSES or _has_its_shape(node)


def _names(path: Path) -> tuple[str, ...]:
    """Return the definitions at the top of a file that have the name or the shape of one of the book's."""
    found: dict[str, None] = {}
    for node in (node for tree in _trees(path) for node in tree.body):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and _may_be_the_books(node):
            found[node.name] = None
    return tuple(found)


def _imported(path: Path, folder: Path) -> Iterator[str]:
    """Yield the names of modules that a file imports, those of relative imports with all folders before them."""
    package = path.relative_to(folder).parts[:-1]
    for node in (node for tree in _trees(path) for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            there = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*there, *([node.module] if node.module else [])))
            yield from (name, *(f"{name}.{alias.name}" for alias in node.names))


def with_definitions(folder: Path) -> list[File]:
    """Return the files of a folder that hold definitions of the book's names or shapes."""
    everything = files(folder)
    imported = {name for path in everything for name in _imported(path, folder)}
    found = []
    for path in everything:
        names = _names(path)
        if names:
            found.append(File(path, *_place(path, folder, imported), names))
    return found


def _place(path: Path, folder: Path, imported: set[str]) -> tuple[str, Path]:
    parts = path.relative_to(folder).with_suffix("").parts
    for k in range(len(parts) if path.suffix == ".py" else 0):
        name = ".".join(parts[k:])
        if name in imported:
            return name, folder.joinpath(*parts[:k])
    return "", path.parent
