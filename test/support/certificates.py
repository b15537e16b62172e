"""A certificate authority of the tests' own."""

import os
import subprocess

# What `openssl req -newkey` and `openssl genpkey` take for each kind of key.
KEYS = {
    "rsa": ("rsa", "rsa_keygen_bits:2048"),
    "p256": ("ec", "ec_paramgen_curve:prime256v1"),
    "p384": ("ec", "ec_paramgen_curve:secp384r1"),
    "p521": ("ec", "ec_paramgen_curve:secp521r1"),
    "ed25519": ("ed25519", None),
}


class Authority:
    """`directory`/NAME.crt and NAME.key for it and for whoever it signs for."""

    def __init__(self, directory, name="ca"):
        self._directory = directory
        self._name = name
        self.certificate = self._path(f"{name}.crt")
        self._issue(name, "p256", "Signalbox test authority",
                    "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n")

    def issue(self, name, key="p256", subject=None, names=(), usage="serverAuth", days=30,
              digest="sha256"):
        """Signed for `names`, each DNS:… or IP:…; with negative days, expired as long ago."""
        extensions = f"basicConstraints = critical,CA:FALSE\nextendedKeyUsage = {usage}\n"
        if names:
            extensions += f"subjectAltName = {','.join(names)}\n"
        self._issue(name, key, subject or name, extensions, days, digest, signer=self._name)

    def forget_key(self):
        os.unlink(self._path(f"{self._name}.key"))

    def _path(self, name):
        return os.path.join(self._directory, name)

    def _issue(self, name, key, subject, extensions, days=30, digest="sha256", signer=None):
        # A configuration of our own, so that the machine's does not matter.
        config, request = self._path(f"{name}.cnf"), self._path(f"{name}.csr")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[req]\ndistinguished_name = dn\nprompt = no\n"
                       f"[dn]\nCN = {subject}\n[wanted]\nsubjectKeyIdentifier = hash\n{extensions}")
        algorithm, option = KEYS[key]
        self._openssl("req", "-new", "-config", config, "-nodes", "-newkey", algorithm,
                      *(["-pkeyopt", option] if option else []),
                      "-keyout", self._path(f"{name}.key"), "-out", request)
        signing = (["-CA", self._path(f"{signer}.crt"), "-CAkey", self._path(f"{signer}.key")]
                   if signer else ["-signkey", self._path(f"{name}.key")])
        self._openssl("x509", "-req", "-in", request, *signing, "-CAcreateserial",
                      "-extfile", config, "-extensions", "wanted", "-days", str(days),
                      f"-{digest}", "-out", self._path(f"{name}.crt"))
        os.unlink(request)
        os.unlink(config)
        os.chmod(self._path(f"{name}.key"), 0o600)
        os.chmod(self._path(f"{name}.crt"), 0o644)

    def _openssl(self, *arguments):
        result = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"openssl ended with {result.returncode}:\n{result.stderr}")


def make_certificates(directory, addresses):
    """ca.crt, server.crt and server.key for a server with these addresses, for a month."""
    unique = dict.fromkeys([*addresses, "127.0.0.1", "::1"])
    authority = Authority(directory)
    authority.issue("server", subject=addresses[0],
                    names=["DNS:localhost", *(f"IP:{address}" for address in unique)])
    authority.forget_key()
