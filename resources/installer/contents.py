"""What goes into the frozen program and what stays out, as tables that `build.spec` reads."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = "LipoScope"

# Top-level modules that some library would use if it could; the program works without each of them.
UNUSED_MODULES = (
    # tools and tests
    "IPython", "PyInstaller", "_pytest", "grimp", "hypothesis", "importlinter", "iniconfig", "mypy", "mypyc", "pip",
    "pluggy", "py", "pytest", "pytestqt", "ruff", "tkinter", "versioneer", "wheel", "tests", "resources",
    # other machines: measuring on a cluster is for the source alone
    "dask", "distributed", "tornado", "zict", "tblib", "partd", "locket",
    # parts of libraries that draw, plot or train elsewhere
    "bokeh", "flax", "jax", "mapie", "shap", "slicer", "tensorboard", "tensorflow", "torchaudio",
    "torchvision", "triton", "setuptools", "pkg_resources", "_distutils_hack", "readline", "PySide6.QtNetwork",
    "matplotlib.backends.backend_gtk3", "matplotlib.backends.backend_gtk4", "matplotlib.backends.backend_nbagg",
    "matplotlib.backends.backend_qt", "matplotlib.backends.backend_qt5", "matplotlib.backends.backend_tkagg",
    "matplotlib.backends.backend_webagg", "matplotlib.backends.backend_webagg_core", "matplotlib.backends.backend_wx",
    "matplotlib.tests", "mpl_toolkits.mplot3d.tests",
    "numba.cuda", "numba.tests", "numpy.f2py.tests", "pandas.tests", "pyarrow.tests", "pyqtgraph.examples",
    "pyarrow._azurefs", "pyarrow._cuda", "pyarrow._flight", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs",
    "pyarrow.flight", "pyarrow.cuda",
    "skimage.data.tests", "sklearn.externals.array_api_compat.cupy", "sklearn.externals.array_api_compat.dask",
    "sklearn.externals.array_api_compat.torch", "torch.utils.benchmark",
    "torch.utils.tensorboard",
    # parts of Qt
    *(f"PySide6.Qt{name}" for name in (
        "3DCore", "Bluetooth", "Charts", "Concurrent", "DBus", "DataVisualization", "Designer", "Graphs", "Help",
        "HttpServer", "Location", "Multimedia", "NetworkAuth", "Nfc", "Pdf", "PdfWidgets", "Positioning", "Qml",
        "Quick", "Quick3D", "QuickControls2", "QuickWidgets", "RemoteObjects", "Scxml", "Sensors", "SerialPort",
        "SpatialAudio", "Sql", "StateMachine", "TextToSpeech", "UiTools", "WebChannel", "WebEngineCore",
        "WebEngineQuick", "WebEngineWidgets", "WebSockets", "WebView", "Xml")),
)

# The program asks for these by name while it runs, so that no reading of its imports finds them.
ASKED_BY_NAME = ("app", "skops", "radiomics", "sklearn", "imblearn", "skorch", "onnxscript", "onnx_ir")
ASKED_SINGLY = ("gdcm", "jpeg_ls", "pylibjpeg", "openpyxl", "numba._devicearray", "pyarrow.parquet")
WITH_DATA = ("monai", "highdicom", "xgboost", "radiomics", "onnxscript")
WITH_LIBRARIES = ("xgboost",)
# numba keeps what it has compiled by the date of the source; onnxscript compiles its own operators from theirs.
WITH_SOURCE = {"umap": "pyz+py", "pynndescent": "pyz+py", "onnxscript": "pyz+py"}

# Files that hooks bring along and nothing opens; '*' also matches '/'.
UNUSED_FILES = (
    "torch/test/*", "torch/bin/[!t]*", "torch/bin/test*", "torch/include/*", "torch/share/*",
    "torch/testing/_internal/*",
    "torch/lib/libtorchbind_test*", "torch/lib/libbackend_with_compiler*", "torch/lib/libjitbackend_test*",
    "torch/lib/libaoti_custom_ops*", "torch/lib/*.a",
    "pyarrow/tests/*", "pyarrow/include/*", "pyarrow/src/*", "pyarrow/*.pxi", "pyarrow/*.pxd", "pyarrow/*.pyx",
    *(f"*arrow_{name}*" for name in ("azure", "flight", "gcs", "python_flight", "s3")),
    "pyarrow/libarrow_python*.so", "pyarrow/libarrow_python*.so.*.*.*",  # copies of those that are loaded
    "numba/np/ufunc/tbbpool*", "hypothesis-*.dist-info/*",
    "matplotlib/mpl-data/sample_data/*", "*/mpl-data/images/*.svg", "*/mpl-data/images/*.pdf",
    "sklearn/datasets/data/*", "sklearn/datasets/images/*", "sklearn/datasets/descr/*", "sklearn/*/tests/*",
    "sklearn/tests/*", "skimage/data/*.png", "skimage/data/*.npz", "statsmodels/*/tests/*",
    "statsmodels/datasets/*/*.csv",
    "*.pyx", "*.pyx.tp", "*.pxd", "*.h", "*.hpp", "*.cpp", "*.c", "*.lib",
    "PySide6/Qt/translations/*", "PySide6/translations/*", "PySide6/Qt/qml/*", "PySide6/qml/*",
)
QT_PLUGINS = {
    "platforms": ("qxcb", "qoffscreen", "qwayland", "qwindows", "qcocoa"),
    "imageformats": ("qsvg", "qico", "qjpeg", "qgif"),
    "iconengines": ("qsvgicon",),
    "platforminputcontexts": ("compose", "ibus"),
    "platformthemes": ("qxdgdesktopportal",),
    "styles": ("",),
    "xcbglintegrations": ("qxcb",),
    "wayland-decoration-client": ("",),
    "wayland-graphics-integration-client": ("",),
    "wayland-shell-integration": ("",),
}
QT_LIBRARIES_UNUSED = ("Quick", "Qml", "VirtualKeyboard", "EglFS", "EglFs", "Pdf", "Network", "Sql", "Designer",
                       "3D", "ShaderTools", "WebSockets", "Labs")

# What PyInstaller takes from the machine that builds for parts that are left out: GTK's look, and Qt's network.
SYSTEM_UNUSED = tuple(f"lib{name}*" for name in (
    "Xrender.so", "atk-", "blkid", "cairo", "com_err", "datrie", "fribidi", "gdk", "gio-2", "gmodule", "gobject",
    "graphite2", "gssapi", "gtk", "harfbuzz.so", "jpeg.so", "k5crypto", "keyutils", "krb5", "mount", "pango", "pixman",
    "readline", "selinux", "thai"))

# Hooks that run before the program: one gives each process a folder for matplotlib's fonts, read anew every time and
# left behind by a killed engine; the other is for a part of pyqtgraph that is not used.
UNUSED_START_HOOKS = ("pyi_rth_mplconfig", "pyi_rth_pyqtgraph_multiprocess")

NOT_SHIPPED = ("installer", "pins.txt")


def find_shipped(root: Path = ROOT) -> list[tuple[str, str]]:
    """List the program's own files beside its code.

    Returns
    -------
    list of (str, str)
        The file, and the folder that it has in the program.
    """
    places = [path for path in sorted((root / "resources").iterdir()) if path.name not in NOT_SHIPPED]
    files = [file for place in [*places, root / "models"]
             for file in ([place] if place.is_file() else place.rglob("*"))]
    kept = [file for file in sorted(files) if file.is_file() and "__pycache__" not in file.parts
            and not any(part.startswith(".") for part in file.relative_to(root).parts)]
    return [(str(file), file.parent.relative_to(root).as_posix()) for file in kept]


def find_modules(package: str) -> list[str]:
    """List a package's modules by its files: nothing is imported, and folders without `__init__.py` count."""
    found = importlib.util.find_spec(package)
    places = [Path(place) for place in (found.submodule_search_locations or ())] if found is not None else []
    endings = sorted(importlib.machinery.all_suffixes(), key=len, reverse=True)
    names = set()
    for place in places:
        for file in place.rglob("*"):
            ending = next((ending for ending in endings if file.name.endswith(ending)), "")
            parts = [package, *file.relative_to(place).parent.parts, file.name.removesuffix(ending)]
            if ending and all(part.isidentifier() for part in parts):
                names.add(".".join(parts).removesuffix(".__init__"))
    return sorted(name for name in names if is_wanted_module(name))


def is_wanted_module(name: str) -> bool:
    """Whether a module of a package that is collected whole is the program's business."""
    parts = name.split(".")
    return not ({"tests", "conftest", "testing"} & set(parts[1:])) and not is_left_out(name)


def is_left_out(module: str) -> bool:
    """Whether a module, or a package that it lies in, is one of `UNUSED_MODULES`."""
    return any(module == name or module.startswith(f"{name}.") for name in UNUSED_MODULES)


def is_wanted_file(place: str) -> bool:
    """Whether a file that a hook or a library's dependency brought belongs in the program.

    Parameters
    ----------
    place : str
        Its path inside the program.
    """
    place = place.replace("\\", "/")
    if any(fnmatch(place, pattern) for pattern in (*UNUSED_FILES, *SYSTEM_UNUSED)):
        return False
    library = re.search(r"(?:^|/)(?:lib)?Qt6(\w+?)(?:\.abi3)?\.(?:so|dll|dylib)", place)
    if library is not None:
        return not library.group(1).startswith(QT_LIBRARIES_UNUSED)
    plugin = re.search(r"PySide6/(?:Qt/)?plugins/([\w-]+)/(?:lib)?([\w-]+)\.", place)
    if plugin is None:
        return True
    return plugin.group(2).startswith(QT_PLUGINS.get(plugin.group(1), ())) if plugin.group(1) in QT_PLUGINS else False


def leave_out(entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Drop unwanted files from a table of PyInstaller's: (place in the program, source, kind)."""
    return [entry for entry in entries if is_wanted_file(entry[0])]
