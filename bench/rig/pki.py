"""Throw-away keys by the openssl program: a root, an S/MIME identity of ours, a partner's certificate, a TLS certificate."""
import os
import subprocess

KEYS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
}


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Pki:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        _openssl("genpkey", *KEYS["p256"], "-out", self.file("root.key"))
        _openssl("req", "-x509", "-key", self.file("root.key"), "-subj", "/CN=Bench Root", "-days", "3650", "-out", self.file("root.pem"),
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def file(self, name):
        return os.path.join(self.directory, name)

    def _issue(self, name, kind, extensions):
        _openssl("genpkey", *KEYS[kind], "-out", self.file(name + ".key"))
        os.chmod(self.file(name + ".key"), 0o400)
        _openssl("req", "-new", "-key", self.file(name + ".key"), "-subj", "/CN=" + name, "-out", self.file(name + ".csr"))
        with open(self.file(name + ".ext"), "w", encoding="ascii") as f:
            f.write("basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n" + extensions)
        _openssl("x509", "-req", "-in", self.file(name + ".csr"), "-CA", self.file("root.pem"), "-CAkey", self.file("root.key"), "-CAcreateserial",
                 "-days", "3650", "-extfile", self.file(name + ".ext"), "-out", self.file(name + ".pem"))

    def mail(self, name, address, kind="p256"):
        usage = "keyAgreement" if kind == "p256" else "keyEncipherment"
        self._issue(name, kind, f"keyUsage=critical,digitalSignature,{usage}\nextendedKeyUsage=emailProtection\nsubjectAltName=email:{address}\n")

    def tls(self, name, host):
        self._issue(name, "p256", f"keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:{host}\n")

    def open_smime(self, name, message):
        """The plain text of an enveloped and signed message, opened and verified by openssl; raises if it cannot be."""
        inner = self.file("inner.eml")
        _openssl("cms", "-decrypt", "-in", message, "-recip", self.file(name + ".pem"), "-inkey", self.file(name + ".key"), "-out", inner)
        return subprocess.run(["openssl", "cms", "-verify", "-in", inner, "-CAfile", self.file("root.pem")],
                              check=True, capture_output=True).stdout
