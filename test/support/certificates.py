"""A certificate authority of the tests' own, which is forgotten once it has signed."""

import os
import subprocess


def make_certificates(directory, addresses):
    """ca.crt, server.crt and server.key for a server with these addresses, for a month."""
    names = ["DNS:localhost"]
    for address in dict.fromkeys([*addresses, "127.0.0.1", "::1"]):
        names.append(f"IP:{address}")
    config = os.path.join(directory, "openssl.cnf")
    # A configuration of our own, so that the machine's does not matter.
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = Signalbox test\n"
            "[authority]\nbasicConstraints = critical,CA:TRUE\n"
            "keyUsage = critical,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\n"
            "[server]\nbasicConstraints = critical,CA:FALSE\n"
            "extendedKeyUsage = serverAuth\nsubjectKeyIdentifier = hash\n"
            f"subjectAltName = {','.join(names)}\n"
        )

    def path(name):
        return os.path.join(directory, name)

    def openssl(*arguments):
        result = subprocess.run(
            ["openssl", "req", "-x509", "-config", config, "-days", "30", "-nodes",
             "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"openssl ended with {result.returncode}:\n{result.stderr}")

    openssl("-extensions", "authority", "-subj", "/CN=Signalbox test authority",
            "-keyout", path("ca.key"), "-out", path("ca.crt"))
    openssl("-extensions", "server", "-subj", f"/CN={addresses[0]}",
            "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
            "-keyout", path("server.key"), "-out", path("server.crt"))
    os.unlink(path("ca.key"))
    os.chmod(path("server.key"), 0o600)
    os.chmod(path("ca.crt"), 0o644)
    os.chmod(path("server.crt"), 0o644)
