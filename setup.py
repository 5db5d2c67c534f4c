"""The compiled modules of the model. Everything else about the package is in setup.cfg.

The extensions are optional: without Cython or a C compiler the installation succeeds and the model runs on its
reference engine. Each extension carries the SHA-256 of its source, by which `queue_model.compiled` recognises one that
is outdated.
"""

import hashlib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

SLOWER = "the staffing model will run on its reference engine, with the same results, fifty to a hundred times slower"
COMPILED = ("simulation.kernel", "simulation.array_loops", "random.variates", "runs.measures.tally")
BUILD = Path("build")


class OptionalBuild(build_ext):
    """Builds the extensions that can be built, and warns about each that cannot."""

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError, OSError) as error:  # OSError: there is no compiler at all
            self.warn(f"{ext.name} was not compiled ({error}): {SLOWER}")


def extensions() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        print(f"warning: Cython is not installed, so nothing is compiled: {SLOWER}")
        return []
    # No fused multiply-add: times must be those of Python to the last bit, on every processor.
    flags = ["-O3", "-g0", "-ffp-contract=off"]
    sources = {f"queue_model.{name}": f"queue_model/{name.replace('.', '/')}.py" for name in COMPILED}
    stamps = {name: write_stamp(Path(source)) for name, source in sources.items()}
    modules = [Extension(name, [source], extra_compile_args=flags) for name, source in sources.items()]
    built: list[Extension] = cythonize(modules, build_dir=str(BUILD))
    for extension in built:
        extension.sources.append(stamps[extension.name])
        extension.optional = True  # cythonize does not keep this attribute
    return built


def write_stamp(source: Path) -> str:
    """Write the C file that links the hash of a source into its extension; return its path."""
    stamp = BUILD / source.with_suffix(".stamp.c")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    # Visible and used nowhere: a compiler or linker must not drop it.
    text = f'__attribute__((visibility("default"), used)) const char queue_model_source_sha256[] = "{digest}";\n'
    if not stamp.exists() or stamp.read_text(encoding="ascii") != text:
        (BUILD / source.with_suffix(".c")).unlink(missing_ok=True)  # Cython compares times, which may be misleading
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(text, encoding="ascii")
    for extension in source.parent.glob(f"{source.stem}.*.so"):
        if digest.encode() not in extension.read_bytes():
            extension.unlink()  # a newer time would keep setuptools from replacing it
    return str(stamp)


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuild})
