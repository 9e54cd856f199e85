"""Wheels of the agent in versions that never were, and an installation to begin with. Built here, without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from aldea.deploy.releasing.keys import load_key, make_keys
from aldea.deploy.releasing.signing import manifest_of, sign
from aldea.model.release import Manifest, SignedRelease

PROJECT = Path(__file__).parents[2]
FIRST = "0.1.0"

Edit = tuple[str, str, str]
"""A file, a text in it, and what stands there instead."""


class Workshop:
    """Builds wheels from a copy of the agent's sources, and signs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._source = folder / "source"
        unwanted = shutil.ignore_patterns("__pycache__", "*.pyc")
        for part in ("model", "agents"):
            shutil.copytree(PROJECT / part, self._source / part, ignore=unwanted)
        for name in ("README.md", "LICENSE"):
            shutil.copy(PROJECT / name, self._source / name)
        self.private, self.public = make_keys(folder / "keys", None)
        self._built: dict[str, Path] = {}

    def wheel(self, version: str, *edits: Edit) -> Path:
        """Return a wheel of this version, its sources changed by `edits`."""
        if version in self._built:
            return self._built[version]
        text = (PROJECT / "pyproject.toml").read_text()
        text = text.replace(f'version = "{FIRST}"', f'version = "{version}"', 1)
        first, _, rest = text.partition("packages = [\n    ")
        text = f'{first}packages = ["model/aldea", "agents/aldea"]\n{rest.partition("]")[2]}'
        (self._source / "pyproject.toml").write_text(text)
        kept = [(self._source / name, (self._source / name).read_text()) for name, _, _ in edits]
        for name, old, new in edits:
            path = self._source / name
            assert old in path.read_text(), (name, old)
            path.write_text(path.read_text().replace(old, new, 1))
        out = self.folder / version
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(self._source))
        for path, before in kept:
            path.write_text(before)
        (self._built[version],) = out.glob("*.whl")
        return self._built[version]

    def release(
        self, version: str, *edits: Edit, replaces: str | None = None
    ) -> tuple[SignedRelease, dict[str, bytes]]:
        """Return a signed release, and its files."""
        wheel = self.wheel(version, *edits)
        return self.signed(manifest_of([wheel], replaces=replaces)), {wheel.name: wheel.read_bytes()}

    def signed(self, manifest: Manifest) -> SignedRelease:
        """Return a manifest with the signature of this workshop's key."""
        return sign(manifest, load_key(self.private, None))

    def installation(self) -> Path:
        """Return an environment with the first version: what the installer makes, its dependencies lent by ours."""
        home = self.folder / "installation"
        if not home.exists():
            run(sys.executable, "-m", "venv", "--without-pip", str(home))
            theirs = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
            for path in Path(sysconfig.get_path("purelib")).iterdir():
                if path.suffix != ".pth" and not path.name.startswith(("aldea", "_aldea", "__")):
                    (theirs / path.name).symlink_to(path)
            run(
                str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
                "--disable-pip-version-check", "--no-compile", str(self.wheel(FIRST)),
            )  # fmt: skip
            run(str(home / "bin/python"), "-m", "compileall", "-q", str(theirs / "aldea"))
        return home


def run(*command: str, environ: dict[str, str] | None = None) -> str:
    """Run a program; return what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
