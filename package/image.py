#!/usr/bin/python3
"""Writes an image, FROM scratch and for several processors, as an archive of an OCI layout:

  image.py VERSION ARCHIVE PROCESSOR=FOLDER…

FOLDER is what a tarball of that processor has: the program becomes /signalbox, the rest lies in
/usr/share/doc/signalbox. This needs no engine, no daemon and no root, and the same inputs and
SOURCE_DATE_EPOCH give the same bytes, so that the image of a version has one digest. The documents
are those of the OCI image specification 1.0.
"""

import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
DOCUMENTS = "usr/share/doc/signalbox"
TYPE = "application/vnd.oci.image"
# What the image is called once it is loaded: for Podman, and for Docker.
NAMES = ["org.opencontainers.image.ref.name", "io.containerd.image.name"]


def pack(entries):
    """A tar archive of (path, content or None for a folder, mode), all of root's."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content, mode in entries:
            entry = tarfile.TarInfo(path)
            entry.mode, entry.mtime = mode, EPOCH
            entry.uname = entry.gname = "root"
            if content is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def folders_of(path):
    """usr, usr/share, … above a path."""
    return [str(folder) for folder in reversed(pathlib.PurePosixPath(path).parents)][1:]


def layer_of(folder):
    """The files of an image from those of a tarball."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if folder / "signalbox" not in files:
        sys.exit(f"image.py: there is no program in {folder}")
    inside = {}
    for path in files:
        name = path.relative_to(folder).as_posix()
        is_program = name == "signalbox"
        inside[name if is_program else f"{DOCUMENTS}/{name}"] = (
            path.read_bytes(), 0o755 if is_program else 0o644)
    folders = {name for path in inside for name in folders_of(path)}
    entries = {name: (None, 0o755) for name in folders} | inside
    return pack((name, *entries[name]) for name in sorted(entries))


class Layout:
    """The blobs of a layout, by their digest."""

    def __init__(self):
        self.blobs = {}

    def add(self, media_type, content, **more):
        """Keeps a blob; its descriptor."""
        if not isinstance(content, bytes):
            content = json.dumps(content, separators=(",", ":")).encode()
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": f"{TYPE}.{media_type}", "digest": f"sha256:{digest}",
                "size": len(content), **more}

    def add_image(self, version, processor, folder):
        layer = layer_of(folder)
        created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).isoformat()
        platform = {"architecture": processor, "os": "linux"}
        config = self.add("config.v1+json", {
            "created": created, **platform,
            "config": {
                "Entrypoint": ["/signalbox"],
                "Labels": {"org.opencontainers.image.title": "signalbox",
                           "org.opencontainers.image.version": version,
                           "org.opencontainers.image.licenses": "MIT"}},
            "rootfs": {"type": "layers",
                       "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created": created, "created_by": "package/image.py"}]})
        packed = self.add("layer.v1.tar+gzip", gzip.compress(layer, 9, mtime=0))
        return self.add("manifest.v1+json", {
            "schemaVersion": 2, "mediaType": f"{TYPE}.manifest.v1+json", "config": config,
            "layers": [packed]}, platform=platform)

    def archive(self, version, manifests):
        index = self.add("index.v1+json", {
            "schemaVersion": 2, "mediaType": f"{TYPE}.index.v1+json", "manifests": manifests,
        }, annotations={name: f"localhost/signalbox:{version}" for name in NAMES})
        entries = [("blobs", None, 0o755), ("blobs/sha256", None, 0o755)]
        entries += [(f"blobs/sha256/{digest}", content, 0o644)
                    for digest, content in sorted(self.blobs.items())]
        for name, content in (("index.json", {"schemaVersion": 2, "manifests": [index]}),
                              ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
            entries.append((name, json.dumps(content).encode(), 0o644))
        return pack(entries)


def main():
    if len(sys.argv) < 4 or not all("=" in word for word in sys.argv[3:]):
        sys.exit(__doc__)
    version, path = sys.argv[1:3]
    layout = Layout()
    manifests = [layout.add_image(version, processor, pathlib.Path(folder))
                 for processor, folder in (word.split("=", 1) for word in sys.argv[3:])]
    pathlib.Path(path).write_bytes(layout.archive(version, manifests))


if __name__ == "__main__":
    main()
