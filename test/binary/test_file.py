"""The binaries as files: what `ldd`, a scanner and a small image see of them."""

import hashlib
import pathlib
import shutil
import subprocess

import pytest

from conftest import OWN_PROCESSOR, REPOSITORY, built
from elf import Elf

# Bytes.
BUDGETS = {"amd64": 2_700_000, "arm64": 2_800_000}

# Kernels for arm64 have pages of 4, 16 or 64 kB, and load no segment that is aligned to less.
LARGEST_PAGE = {"amd64": 4096, "arm64": 65536}


# The other processor's takes minutes to make: the nights have it (test/soak.sh).
@pytest.fixture(params=[
    pytest.param(name, marks=[] if name == OWN_PROCESSOR else pytest.mark.soak)
    for name in sorted(BUDGETS)])
def processor(request):
    return request.param


@pytest.fixture
def file(processor):
    return Elf(built(processor))


def test_it_is_for_the_processor_that_it_is_built_for(file, processor):
    assert file.processor == processor


def test_it_needs_no_other_file(file):
    assert file.of_kind("INTERP") == [] and file.of_kind("DYNAMIC") == []
    assert file.has_fixed_address


def test_nothing_is_writable_and_executable(file):
    assert len(file.of_kind("LOAD")) >= 2
    assert [segment for segment in file.segments
            if segment.is_writable and segment.is_executable] == []


def test_the_stack_is_not_executable(file):
    # Without this header the kernel makes it so.
    stack, = file.of_kind("GNU_STACK")
    assert not stack.is_executable


def test_every_kernel_can_load_it(file, processor):
    assert {segment.alignment for segment in file.of_kind("LOAD")} == {LARGEST_PAGE[processor]}


def test_it_stays_within_its_budget(file, processor):
    assert file.size <= BUDGETS[processor]


@pytest.mark.soak
def test_the_other_processors_has_the_same_bytes_from_another_folder(tmp_path):
    """This machine's own is compared with the one that a stage of an image builds (test/container)."""
    processor, = set(BUDGETS) - {OWN_PROCESSOR}
    folder = tmp_path / "a folder with another name"
    folder.mkdir()
    for name in "CMakeLists.txt", "CMakePresets.json", "package", "include", "src":
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    made = subprocess.run(["sh", folder / "package" / "build.sh", processor],
                          stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    assert pathlib.Path(made).is_relative_to(folder)
    here, there = (hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
                   for path in (built(processor), made))
    assert there == here
