"""Fingerprints of what a result was made from: code, data files and pinned packages.

Execution caches that look at a notebook alone publish stale numbers after a change in the package; here every module of
`cena` that a notebook imports, directly or through others, has a part in what makes it fresh.
"""

import ast
import hashlib
from pathlib import Path

import cena

PACKAGE = Path(cena.__file__).parent


def sha256(content: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def code_fingerprint(*modules: str) -> str:
    """The sha256 of the code of these `cena` modules; comments, docstrings and formatting do not count.

    Only the named modules count, not what they import: name all that determine a result, or pass
    ``*imported_modules(...)``. Of the package's own ``__init__`` only the version counts: it is on the way to every
    module, and what it offers from them is no part of what they do.

    Raises
    ------
    ModuleNotFoundError
        If there is no such module.
    """
    parts = []
    for module in sorted(set(modules)):
        path = _module_file(module)
        if path is None:
            raise ModuleNotFoundError(f"no module {module} in {PACKAGE}")
        code = _bare_code(path.read_text(encoding="utf-8"), only_values=path == PACKAGE / "__init__.py")
        parts.append(f"{module}\n{code}")
    return sha256("\n".join(parts).encode())


def imported_modules(source: str | Path) -> list[str]:
    """The `cena` modules that some code imports, directly or through other modules of `cena`, sorted by name.

    Imports inside functions count, and so does the ``__init__`` of every package on the way to a module.

    Parameters
    ----------
    source : a file to read, or the source text itself.
    """
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    found: set[str] = set()
    waiting = _imports(text)
    while waiting:
        module = waiting.pop()
        path = _module_file(module)
        if module not in found and path is not None:
            found.add(module)
            waiting |= _imports(path.read_text(encoding="utf-8"), module, path)
    return sorted(found)


def data_checksums(released: bool) -> dict[str, str]:
    """The sha256 of every data file that `cena.data` ships, by its path inside the package.

    Parameters
    ----------
    released : whether those of released embeddings count, which only what imports `cena.embed.released` reads.
    """
    return {
        path.relative_to(PACKAGE).as_posix(): sha256(path.read_bytes())
        for path in sorted((PACKAGE / "data").rglob("*"))
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and (released or "released" not in path.relative_to(PACKAGE).parts)
    }


def pins(requirements: Path) -> str:
    """The sha256 of the requirements of a file; comments, blank lines and order do not count."""
    lines = (line.split("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return sha256("\n".join(sorted(line for line in lines if line)).encode())


def _module_file(module: str) -> Path | None:
    """The source file of a module of `cena`, found without importing it."""
    base = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = [base / "__init__.py"] if base == PACKAGE else [base / "__init__.py", base.with_suffix(".py")]
    return next((path for path in candidates if path.is_file()), None)


def _imports(text: str, module: str = "", path: Path | None = None) -> set[str]:
    """What `text` may import from `cena`: also names that turn out to be no modules, and every enclosing package."""
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            names |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return {".".join(part[:end]) for part in parts if part[0] == "cena" for end in range(1, len(part) + 1)}


def _bare_code(text: str, only_values: bool = False) -> str:
    """Source text without comments, docstrings and formatting; of the module itself only what it assigns, if wished."""
    tree = ast.parse(text)
    if only_values:
        tree.body = [node for node in tree.body if isinstance(node, ast.Assign)]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.unparse(tree)
