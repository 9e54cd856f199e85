"""Builds a release's environment beside the one that runs: its own wheels, over what the installation has already.

The installation's packages are lent by a .pth file: nothing is fetched or copied, and what the release brings itself
comes first.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from aldea.agents.upgrading.folder import COMPLETE, Releases
from aldea.agents.words import Words
from aldea.model.release import Manifest, ReleaseError

STEP_SECONDS = 900.0
_LENT = "aldea-installation.pth"
_ASK_PATHS = "import json, sysconfig; print(json.dumps([sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]))"
_LONGEST_SENTENCE = 600
_NO_ENVIRONMENT = Words("its environment cannot be made", "no se puede preparar su entorno")
_NOT_ASKED = Words("the installation cannot be asked", "no se puede consultar la instalación")
_NO_WHEELS = Words("its wheels cannot be installed", "sus paquetes no se pueden instalar")
_NOT_COMPILED = Words("it cannot be compiled", "no se puede compilar")
_SELF_TEST = Words("its self-test failed", "falló su propia prueba")


async def build(
    releases: Releases, manifest: Manifest, wheels: Sequence[Path], base_python: str, words: Sequence[str]
) -> None:
    """Build and try a release with the installation's Python. Raises ReleaseError with a sentence, or OSError.

    `words` are the agent's own arguments: the release must be able to read the same settings.
    """
    home = releases.path(manifest.version)
    if releases.is_whole(manifest.version):
        return
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    await _run([base_python, "-m", "venv", "--without-pip", str(home)], _NO_ENVIRONMENT)
    lent = json.loads(await _run([base_python, "-c", _ASK_PATHS], _NOT_ASKED))
    own = json.loads(await _run([str(releases.python(manifest.version)), "-c", _ASK_PATHS], _NOT_ASKED))
    await asyncio.to_thread(_lend, Path(own[0]), sorted(set(lent)))
    # By the pip that was lent, in one process: the service has little memory. What was lent is not in its place.
    install = ["-m", "pip", "install", "--no-index", "--no-deps", "--ignore-installed", "--no-compile"]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    own_python = str(releases.python(manifest.version))
    await _run([own_python, *install, *quiet, *map(str, wheels)], _NO_WHEELS)
    # The server's parts are in the same wheel; only what runs here is worth compiling.
    parts = [str(Path(own[0]) / "aldea" / name) for name in ("agents", "model")]
    await _run([str(releases.python(manifest.version)), "-m", "compileall", "-q", *parts], _NOT_COMPILED)
    await self_test(releases, manifest, words)
    await asyncio.to_thread(_finish, home)


async def self_test(releases: Releases, manifest: Manifest, words: Sequence[str]) -> None:
    """Have the release look at itself, without a network. Raises ReleaseError with what it says."""
    command = [str(releases.python(manifest.version)), "-m", "aldea.agents.upgrading.selftest", manifest.version]
    await _run([*command, str(manifest.outbox_format), *words], _SELF_TEST)


def _lend(site_packages: Path, lent: Sequence[str]) -> None:
    (site_packages / _LENT).write_text("".join(f"{path}\n" for path in lent), encoding="utf-8")


def _finish(home: Path) -> None:
    """Have everything on disk before the word that says so."""
    os.sync()
    (home / COMPLETE).write_text("{}\n", encoding="ascii")
    os.sync()


def own_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which pip follows its arguments alone: not this machine's settings, no network."""
    kept = {name: value for name, value in environ.items() if not name.upper().startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


async def _run(command: Sequence[str], failed: Words) -> str:
    """Run a step of the building; return what it printed. Raises ReleaseError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=own_environ(os.environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    with suppress(OSError):
        # Where memory is short it is this step that ends, and is said; not the agent.
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("500\n", encoding="ascii")  # noqa: ASYNC240 - no disk
    try:
        async with asyncio.timeout(STEP_SECONDS):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise ReleaseError(
            f"{failed.en}: it took longer than {STEP_SECONDS:g} s", f"{failed.es}: tardó más de {STEP_SECONDS:g} s"
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = (err or out).decode("utf-8", "replace").strip()[-_LONGEST_SENTENCE:]
        why = said or f"exit {process.returncode}"
        raise ReleaseError(f"{failed.en}: {why}", f"{failed.es}: {why}")
    return out.decode("utf-8", "replace")
