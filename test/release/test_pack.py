"""What package/pack.sh makes of two binaries: complete, lawful, the same file everywhere."""

import gzip
import json
import os
import re
import subprocess

import jsonschema
import pytest

import packing
from packing import LICENCES, MACHINES, ROOT

VERSION, = re.findall(r"^project\(signalbox VERSION (\S+)",
                      (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)
SBOMS = ["signalbox.cdx.json", "signalbox.spdx.json"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    done = packing.pack(*packing.materials(folder), folder / "dist")
    assert done.returncode == 0, done.stderr
    return folder / "dist"


def test_everything_is_there_with_the_one_version_and_its_sum(dist):
    expected = {f"signalbox-{VERSION}-image.tar", f"signalbox-rails-{VERSION}.gem", "SHA256SUMS"}
    for processor in MACHINES:
        stem = f"signalbox-{VERSION}-linux-{processor}"
        expected |= {f"{stem}.tar.gz", f"{stem}.spdx.json", f"{stem}.cdx.json",
                     f"signalbox_{VERSION}_{processor}.deb"}
    assert {path.name for path in dist.iterdir()} == expected
    sums = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist,
                          capture_output=True, text=True, check=False)
    assert (sums.returncode, sums.stdout.count(": OK")) == (0, len(expected) - 1), sums.stderr


def test_the_version_is_one(dist):
    binary = ROOT / os.environ.get("SIGNALBOX", "build/dev/signalbox")
    said = subprocess.run([binary, "--version"], capture_output=True, text=True,
                          check=True).stdout.splitlines()[0]
    page, = re.findall(r"^\.Os signalbox (\S+)$", (ROOT / "doc/signalbox.1").read_text(), re.M)
    changes = re.search(r"^## (\S+),", (ROOT / "CHANGELOG.md").read_text(), re.M).group(1)
    field = subprocess.run(["dpkg-deb", "--field", dist / f"signalbox_{VERSION}_arm64.deb",
                            "Version", "Architecture"], capture_output=True, text=True, check=True)
    image = packing.Image(dist / f"signalbox-{VERSION}-image.tar")
    shown = (ROOT / "README.md").read_text()
    assert said == f"signalbox {VERSION}"
    assert (page, changes) == (VERSION, VERSION)
    assert field.stdout == f"Version: {VERSION}\nArchitecture: arm64\n"
    assert set(image.top["annotations"].values()) == {f"localhost/signalbox:{VERSION}"}


def test_the_same_bytes_from_another_place(dist, tmp_path):
    arguments = packing.materials(tmp_path)
    (tmp_path / "contents").chmod(0o600)
    done = subprocess.run(["sh", "-c", "umask 077; exec sh \"$@\"", "sh",
                           ROOT / "package/pack.sh", *arguments, "dist"], cwd=tmp_path,
                          env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1790000000"},
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    other = tmp_path / "dist"
    assert (other / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


@pytest.mark.parametrize("processor", MACHINES)
def test_the_program_is_the_same_file_everywhere(dist, processor):
    wanted = packing.program(MACHINES[processor])
    image = packing.Image(dist / f"signalbox-{VERSION}-image.tar")
    layer, = image.blob(image.manifests[processor])["layers"]
    found = [
        packing.tarball(dist / f"signalbox-{VERSION}-linux-{processor}.tar.gz")[
            f"signalbox-{VERSION}-linux-{processor}/signalbox"],
        packing.deb(dist / f"signalbox_{VERSION}_{processor}.deb")["usr/bin/signalbox"],
        packing.gem(dist / f"signalbox-rails-{VERSION}.gem")[f"libexec/{processor}/signalbox"],
        packing.tarball_of(image.bytes(layer))["signalbox"],
    ]
    assert found == [(wanted, 0o755)] * 4


@pytest.mark.parametrize("processor", MACHINES)
def test_licences_and_bills_of_materials_travel_with_it(dist, processor):
    stem = f"signalbox-{VERSION}-linux-{processor}"
    image = packing.Image(dist / f"signalbox-{VERSION}-image.tar")
    layer, = image.blob(image.manifests[processor])["layers"]
    documents = "usr/share/doc/signalbox"
    for place, files in [(stem, packing.tarball(dist / f"{stem}.tar.gz")),
                         (documents, packing.deb(dist / f"signalbox_{VERSION}_{processor}.deb")),
                         (documents, packing.tarball_of(image.bytes(layer))),
                         ("libexec", packing.gem(dist / f"signalbox-rails-{VERSION}.gem"))]:
        for name in LICENCES:
            assert files[f"{place}/licences/{name}.txt"][0].decode() == f"The licence of {name}.\n"
        for name in SBOMS:
            beside = dist / name.replace("signalbox", stem)
            folder = f"{place}/{processor}" if place == "libexec" else place
            assert files[f"{folder}/{name}"][0] == beside.read_bytes()
    page = (ROOT / "doc/signalbox.1").read_bytes()
    assert packing.tarball(dist / f"{stem}.tar.gz")[f"{stem}/signalbox.1"][0] == page
    packed = packing.deb(dist / f"signalbox_{VERSION}_{processor}.deb")
    assert gzip.decompress(packed["usr/share/man/man1/signalbox.1.gz"][0]) == page


def schema(name):
    return json.loads((ROOT / "test/release/schemas" / name).read_text())


def test_the_bills_of_materials_are_valid(dist):
    # CycloneDX's refers to two more by their file's name.
    beside = {f"http://cyclonedx.org/schema/{name}": schema(name)
              for name in ("spdx.schema.json", "jsf-0.82.schema.json")}
    cyclonedx = schema("bom-1.5.schema.json")
    resolver = jsonschema.RefResolver(cyclonedx["$id"], cyclonedx, store=beside)
    validators = {
        "spdx": jsonschema.Draft201909Validator(schema("spdx-2.3.schema.json")),
        "cdx": jsonschema.Draft7Validator(cyclonedx, resolver=resolver),
    }
    for processor in MACHINES:
        for form, validator in validators.items():
            path = dist / f"signalbox-{VERSION}-linux-{processor}.{form}.json"
            document = json.loads(path.read_text())
            assert [error.message for error in validator.iter_errors(document)] == []
            # And it would say so.
            assert list(validator.iter_errors(document | {"specVersion": 0, "packages": 0})) != []


PACKAGES = [
    "pkg:deb/debian/postgresql-17@17.11-0%2Bdeb13u1?arch=source&distro=debian-13",
    "pkg:deb/debian/openssl@3.5.7-1~deb13u2?arch=source&distro=debian-13",
    "pkg:deb/debian/libyaml@0.2.5-2?arch=source&distro=debian-13",
    "pkg:deb/debian/libcap2@1:2.75-10%2Bdeb13u1?arch=source&distro=debian-13",
    "pkg:deb/debian/musl@1.2.5-3.1~deb13u1?arch=source&distro=debian-13",
]


def test_each_linked_source_is_named_as_debians_package(dist):
    stem = f"signalbox-{VERSION}-linux-arm64"
    binary = packing.sha256(packing.program(MACHINES["arm64"]))
    spdx = json.loads((dist / f"{stem}.spdx.json").read_text())
    assert spdx["packages"][0]["checksums"][0]["checksumValue"] == binary
    assert [package["externalRefs"][0]["referenceLocator"] for package in spdx["packages"][1:]
            ] == PACKAGES
    linked = [relationship["relatedSpdxElement"] for relationship in spdx["relationships"]
              if relationship["relationshipType"] == "STATIC_LINK"]
    assert linked == [package["SPDXID"] for package in spdx["packages"][1:]]
    cyclonedx = json.loads((dist / f"{stem}.cdx.json").read_text())
    assert cyclonedx["metadata"]["component"]["hashes"][0]["content"] == binary
    assert [component["purl"] for component in cyclonedx["components"]] == PACKAGES


def test_what_may_be_linked_is_what_is_pinned():
    pinned = {line.split()[0] for line in (ROOT / "package/sources").read_text().splitlines()
              if line and not line.startswith("#")}
    assert pinned | {"musl"} == set(LICENCES)


def test_the_image_is_a_layout_for_both_processors(dist):
    image = packing.Image(dist / f"signalbox-{VERSION}-image.tar")
    assert image.json("oci-layout") == {"imageLayoutVersion": "1.0.0"}
    assert list(image.manifests) == ["amd64", "arm64"]
    seen = {image.top["digest"]}
    for processor, descriptor in image.manifests.items():
        manifest = image.blob(descriptor)
        config = image.blob(manifest["config"])
        layer, = manifest["layers"]
        assert (config["architecture"], config["os"]) == (processor, "linux")
        assert config["config"]["Entrypoint"] == ["/signalbox"]
        unpacked = gzip.decompress(image.bytes(layer))
        assert config["rootfs"]["diff_ids"] == [f"sha256:{packing.sha256(unpacked)}"]
        seen |= {item["digest"] for item in (descriptor, manifest["config"], layer)}
    # And no blob that nothing names.
    blobs = {name for name in image.files if name.startswith("blobs/")}
    assert {"blobs/" + digest.replace(":", "/") for digest in seen} == blobs


def test_lintian_has_nothing_to_say(dist):
    debs = [dist / f"signalbox_{VERSION}_{processor}.deb" for processor in MACHINES]
    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *debs],
                          capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_bad_input_is_refused_in_a_sentence(tmp_path):
    amd64, arm64, contents, licences = packing.materials(tmp_path)
    (tmp_path / "bare").mkdir()
    for arguments, status, sentence in [
            ([amd64], 64, "usage: sh package/pack.sh AMD64 ARM64 CONTENTS LICENCES"),
            ([amd64, arm64, tmp_path / "bare/contents", licences], 66,
             "bare/contents is not there: package/libraries.sh leaves it"),
            ([amd64, arm64, contents, tmp_path / "bare"], 66,
             "bare/postgresql-17 is not there: package/licences.sh makes it"),
            ([arm64, amd64, contents, licences], 65, "is not for amd64")]:
        done = packing.pack(*arguments, *[] if status == 64 else [tmp_path / "dist"])
        assert done.returncode == status
        assert sentence in done.stderr
    (tmp_path / "contents").write_text("zlib 1.3 - - pinned\n")
    (tmp_path / "licences/zlib").write_text("The licence of zlib.\n")
    done = packing.pack(amd64, arm64, contents, licences, tmp_path / "dist")
    assert done.returncode == 1
    assert "differ in: libcap2, libyaml, musl, openssl, postgresql-17, zlib" in done.stderr
