"""The compiled engine. Everything else about the package is in setup.cfg.

The extension is optional: without Cython or a C compiler the installation succeeds, and the reference engine serves.
"""

from setuptools import Extension, setup

try:
    from Cython.Build import cythonize
except ImportError:
    extensions = []
else:
    # No fused multiply-add, no re-ordered sums: times must be those of Python to the last bit, on every processor.
    kernel = Extension(
        "queue_model.kernel", ["queue_model/kernel.py"], extra_compile_args=["-O3", "-ffp-contract=off"], optional=True
    )
    extensions = cythonize([kernel], build_dir="build")

setup(ext_modules=extensions)
