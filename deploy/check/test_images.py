"""What the Dockerfile takes for granted about the workspace."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest

from model import ROOT, SERVICES


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")


class Images(unittest.TestCase):
    def test_the_compiler_is_that_of_the_workspace(self):
        self.assertIn(f"ARG RUST_VERSION={self.channel()}\n", DOCKERFILE)

    def test_builder_and_base_are_of_one_debian(self):
        self.assertIn("slim-bookworm", DOCKERFILE)
        last = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)[-1]
        self.assertEqual("gcr.io/distroless/cc-debian12:nonroot", last)
        self.assertIn("USER 65532:65532", DOCKERFILE)

    def test_the_runbook_names_the_images_that_it_is_built_from(self):
        runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
        for image in re.findall(r"^FROM (\S+[:/]\S+)", DOCKERFILE, re.MULTILINE):
            self.assertIn(f"`{image.replace('${RUST_VERSION}', self.channel())}`", runbook)

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
                self.expect_one_file_of_each_target(folder)
            self.assertTrue((root / "tests/src/lib.rs").is_file())
            self.assertTrue(all(len(p.read_text()) < 20 for p in root.rglob("*.rs")))
            self.assertEqual((ROOT / "Cargo.lock").read_bytes(), (root / "Cargo.lock").read_bytes())

    def test_what_is_copied_is_a_workspace_that_cargo_takes(self):
        """The COPY lines of the stage that compiles, applied to what .dockerignore lets through."""
        with tempfile.TemporaryDirectory() as work:
            context, image = pathlib.Path(work, "context"), pathlib.Path(work, "image")
            for path in self.committed():
                if self.is_in_context(path):
                    copy(ROOT / path, context / path)
            subprocess.run(["sh", str(context / "deploy/docker/skeleton.sh"), str(context), str(image)], check=True)
            stage = DOCKERFILE.split(" AS build\n")[1].split("\nFROM ")[0]
            copies = re.findall(r"^COPY (?!--from)(\S+) (\S+)$", stage, re.MULTILINE)
            self.assertIn(("services", "services"), copies)
            for source, target in copies:
                found = [p for p in [context / source, *(context / source).rglob("*")] if p.is_file()]
                self.assertTrue(found, f"COPY {source}: it is not in the context")
                for file in found:
                    copy(file, image / target / file.relative_to(context / source))
            # Whatever is compiled or read while compiling is there, as it was committed.
            for path in self.committed():
                wanted = path.parts[0] in ("crates", "services", "proto") and path.suffix != ".md" and "tests" not in path.parts
                if wanted:
                    self.assertEqual((ROOT / path).read_bytes(), (image / path).read_bytes(), path)
            for service in SERVICES:
                self.assertTrue(list((image / f"services/{service}/.sqlx").glob("*.json")), service)
                self.assertTrue(list((image / f"services/{service}/migrations").glob("*.sql")), service)
            for manifest in image.glob("*/*/Cargo.toml"):
                self.expect_one_file_of_each_target(manifest.parent)
            if not shutil.which("cargo"):
                self.skipTest("no cargo here: the workspace was not loaded")
            told = subprocess.run(
                # Of other platforms, whose packages nobody fetches here, nothing is asked.
                ["cargo", "metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", self.platform()],
                cwd=image, capture_output=True, text=True,
                # rust-toolchain.toml stays outside of the image.
                env={"RUSTUP_TOOLCHAIN": self.channel(), **os.environ},
            )
            if "failed to download" in told.stderr or "no matching package" in told.stderr:
                self.skipTest("cargo has not fetched the dependencies yet: the workspace was not loaded")
            self.assertEqual(0, told.returncode, told.stderr)

    def expect_one_file_of_each_target(self, folder):
        """Where two could be meant, `cargo metadata` says nothing and `cargo build` fails."""
        manifest = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
        for kind in ("bench", "example", "test"):
            for target in manifest.get(kind, []):
                where = f"{kind}{'es' if kind == 'bench' else 's'}/{target['name']}"
                where = [target["path"]] if "path" in target else [f"{where}.rs", f"{where}/main.rs"]
                self.assertEqual(1, sum((folder / file).is_file() for file in where), f"{folder}: {where}")

    def platform(self):
        told = subprocess.run(["rustc", "--version", "--verbose"], capture_output=True, text=True, cwd=ROOT, check=True)
        return re.search(r"^host: (\S+)$", told.stdout, re.MULTILINE)[1]

    def channel(self):
        return tomllib.loads((ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))["toolchain"]["channel"]

    def committed(self):
        listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True)
        if listed.returncode:
            self.skipTest(f"git does not know what was committed: {listed.stderr.strip()}")
        return [pathlib.PurePosixPath(p) for p in listed.stdout.split("\0") if p and (ROOT / p).is_file()]

    def is_in_context(self, path):
        """As .dockerignore says: the last line that matches decides, and a line takes whatever lies below it."""
        inside = True
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            pattern, allows = line.removeprefix("!"), line.startswith("!")
            above = [path, *path.parents][:-1]
            if pattern.startswith("**/"):
                matches = any(p.match(pattern.removeprefix("**/")) for p in above)
            else:
                matches = pattern == "*" or any(str(p) == pattern for p in above)
            if matches:
                inside = allows
        return inside

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
