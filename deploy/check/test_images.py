"""What the Dockerfile takes for granted about the workspace."""

import pathlib
import re
import subprocess
import tempfile
import tomllib
import unittest

from model import ROOT, SERVICES

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")


class Images(unittest.TestCase):
    def test_the_compiler_is_that_of_the_workspace(self):
        channel = tomllib.loads((ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))["toolchain"]["channel"]
        self.assertIn(f"ARG RUST_VERSION={channel}\n", DOCKERFILE)

    def test_builder_and_base_are_of_one_debian(self):
        self.assertIn("slim-bookworm", DOCKERFILE)
        last = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)[-1]
        self.assertEqual("gcr.io/distroless/cc-debian12:nonroot", last)
        self.assertIn("USER 65532:65532", DOCKERFILE)

    def test_every_service_is_built(self):
        for service in SERVICES:
            self.assertEqual(2, DOCKERFILE.count(f"-p redress-{service} "), service)

    def test_the_context_has_every_file_that_the_code_includes(self):
        allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")]
        for folder in ("crates", "services"):
            for source in (ROOT / folder).glob("*/src/**/*.rs"):
                for name in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', source.read_text(encoding="utf-8")):
                    path = (source.parent / name).resolve().relative_to(ROOT)
                    if path.parts[0] == "tests":
                        continue  # The corpus: only tests include it.
                    self.assertTrue(any(str(path).startswith(a) for a in allowed), f"{path} is not in the build's context")
                    self.assertNotEqual(".md", path.suffix, f"{path}: .dockerignore leaves documents out")

    def test_the_skeleton_has_every_package_and_no_code(self):
        with tempfile.TemporaryDirectory() as skeleton:
            subprocess.run(["sh", str(ROOT / "deploy/docker/skeleton.sh"), str(self.tracked()), skeleton], check=True)
            root = pathlib.Path(skeleton)
            for manifest in self.tracked().glob("*/*/Cargo.toml"):
                folder = root / manifest.parent.relative_to(self.tracked())
                self.assertTrue((folder / "Cargo.toml").is_file(), folder)
                self.assertTrue((folder / "src/lib.rs").is_file() or (folder / "src/main.rs").is_file(), folder)
                for kind in ("bench", "example", "test"):
                    for target in tomllib.loads(manifest.read_text(encoding="utf-8")).get(kind, []):
                        where = target.get("path", f"{kind}{'es' if kind == 'bench' else 's'}/{target['name']}.rs")
                        self.assertTrue((folder / where).is_file(), f"{folder}/{where}")
            self.assertTrue((root / "tests/src/lib.rs").is_file())
            self.assertTrue(all(len(p.read_text()) < 20 for p in root.rglob("*.rs")))
            self.assertEqual((ROOT / "Cargo.lock").read_bytes(), (root / "Cargo.lock").read_bytes())

    def tracked(self):
        """The context of the build: the files that .dockerignore lets through."""
        if not hasattr(Images, "context"):
            Images.folder = tempfile.TemporaryDirectory()
            Images.context = pathlib.Path(Images.folder.name)
            parts = ["Cargo.toml", "Cargo.lock", "crates", "services", "tests/Cargo.toml"]
            subprocess.run(f"tar -C {ROOT} --exclude=target --exclude=tests/it -cf - {' '.join(parts)} | tar -C {Images.context} -xf -", shell=True, check=True)
        return Images.context


if __name__ == "__main__":
    unittest.main()
