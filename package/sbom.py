#!/usr/bin/python3
"""Writes what a binary is made of, as SPDX 2.3 and as CycloneDX 1.5, both JSON:

  sbom.py VERSION PROCESSOR BINARY CONTENTS DIRECTORY

CONTENTS is the file that the static libraries have beside them: source package, version, file,
SHA-256, and where it is from. A scanner sees no package in a static program, so each source stands
here as the Debian package that it is, under which Debian's advisories name it. The same inputs and
SOURCE_DATE_EPOCH give the same bytes.
"""

import datetime
import hashlib
import json
import os
import pathlib
import sys
import urllib.parse
import uuid

# What each is called, and whose licence its text (package/libraries.sh keeps it) is.
LICENCES = {
    "postgresql-17": ("libpq", "PostgreSQL"),
    "openssl": ("OpenSSL", "Apache-2.0"),
    "libyaml": ("libyaml", "MIT"),
    "libcap2": ("libcap", "BSD-3-Clause OR GPL-2.0-only"),
    "musl": ("musl", "MIT"),
}
DISTRIBUTION = "debian-13"


def read_contents(path):
    """Source package → version and its files with their SHA-256."""
    packages = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, version, file, sha256, *_ = line.split()
        packages.setdefault(name, (version, []))
        if file != "-":
            packages[name][1].append((file, sha256))
    missing = sorted(set(LICENCES) ^ set(packages))
    if missing:
        sys.exit(f"sbom.py: {path} and the list in this script differ in: {', '.join(missing)}")
    return packages


def package_url(name, version):
    # A colon, of an epoch, stays as it is.
    quoted = urllib.parse.quote(version, safe=":")
    return f"pkg:deb/debian/{name}@{quoted}?arch=source&distro={DISTRIBUTION}"


class Subject:
    """The binary that is described, and the names that both documents give it."""

    def __init__(self, version, processor, binary):
        self.version = version
        self.processor = processor
        self.sha256 = hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest()
        self.id = uuid.uuid5(uuid.NAMESPACE_URL, f"signalbox {version} {processor} {self.sha256}")
        date = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]),
                                               datetime.timezone.utc)
        self.created = date.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.description = f"The static program for Linux on {processor}"


def spdx(subject, packages):
    def package(identifier, name, version, licence, **more):
        return {
            "SPDXID": f"SPDXRef-{identifier}", "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": licence, "licenseDeclared": licence,
            "copyrightText": "NOASSERTION", **more,
        }

    described = [package(
        "signalbox", "signalbox", subject.version, "MIT", description=subject.description,
        primaryPackagePurpose="APPLICATION",
        checksums=[{"algorithm": "SHA256", "checksumValue": subject.sha256}])]
    for name, (version, files) in packages.items():
        library, licence = LICENCES[name]
        # The first file is the original archive, the second Debian's patches.
        archive = [{"packageFileName": file,
                    "checksums": [{"algorithm": "SHA256", "checksumValue": sha256}]}
                   for file, sha256 in files[:1]]
        described.append(package(
            name, name, version, licence, supplier="Organization: Debian",
            primaryPackagePurpose="LIBRARY", comment=f"{library}, linked statically",
            externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                           "referenceLocator": package_url(name, version)}],
            **(archive[0] if archive else {})))
    relationships = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-signalbox")]
    relationships += [("SPDXRef-signalbox", "STATIC_LINK", f"SPDXRef-{name}") for name in packages]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"signalbox-{subject.version}-linux-{subject.processor}",
        "documentNamespace": f"urn:uuid:{subject.id}",
        "creationInfo": {"created": subject.created, "creators": ["Tool: signalbox-sbom"]},
        "packages": described,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relationships],
    }


def cyclonedx(subject, packages):
    def licences(expression):
        return [{"expression": expression} if " " in expression
                else {"license": {"id": expression}}]

    components = []
    for name, (version, _) in packages.items():
        library, licence = LICENCES[name]
        url = package_url(name, version)
        components.append({
            "type": "library", "bom-ref": url, "name": name, "version": version,
            "description": f"{library}, linked statically", "licenses": licences(licence),
            "purl": url})
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{subject.id}",
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "component": {
                "type": "application", "bom-ref": "signalbox", "name": "signalbox",
                "version": subject.version, "description": subject.description,
                "hashes": [{"alg": "SHA-256", "content": subject.sha256}],
                "licenses": licences("MIT")}},
        "components": components,
        "dependencies": [
            {"ref": "signalbox", "dependsOn": [item["bom-ref"] for item in components]},
            *({"ref": item["bom-ref"]} for item in components)],
    }


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    version, processor, binary, contents, directory = sys.argv[1:]
    subject = Subject(version, processor, binary)
    packages = read_contents(contents)
    for name, document in (("spdx", spdx(subject, packages)),
                           ("cdx", cyclonedx(subject, packages))):
        path = pathlib.Path(directory, f"signalbox.{name}.json")
        path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
