"""What is compiled of the model. Everything else about the package is in setup.cfg.

The extensions are optional: without Cython or a C compiler the installation succeeds, and the reference engine serves.
"""

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

SLOWER = "the staffing model will run on its reference engine, with the same results, fifty to a hundred times slower"
COMPILED = ("simulation.kernel", "simulation.passes", "random.variates", "runs.measures.tally")


class Optional(build_ext):
    """Builds what can be built, and says plainly what could not."""

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
    wanted = [Extension(name, [source], extra_compile_args=flags) for name, source in sources.items()]
    built: list[Extension] = cythonize(wanted, build_dir="build")
    for each in built:
        each.optional = True  # what Cython makes of an Extension forgets this
    return built


setup(ext_modules=extensions(), cmdclass={"build_ext": Optional})
