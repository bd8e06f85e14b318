"""Writes what is in Java's key stores as PEM: keystores.py KEYSTORE TRUSTSTORE PASSWORD FOLDER.

Makes certificate.pem, key.pem and, when all is there, trust.pem.
"""

import base64
import os
import sys
import textwrap

import jks


def pem(kind, der):
    lines = textwrap.wrap(base64.b64encode(der).decode("ascii"), 64)
    return "\n".join(["-----BEGIN %s-----" % kind, *lines, "-----END %s-----" % kind, ""])


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def main(keystore, truststore, password, folder):
    (entry,) = jks.KeyStore.load(keystore, password).private_keys.values()
    write(folder, "certificate.pem", "".join(pem("CERTIFICATE", der) for _, der in entry.cert_chain))
    write(folder, "key.pem", pem("PRIVATE KEY", entry.pkey_pkcs8))
    trusted = jks.KeyStore.load(truststore, password).certs.values()
    write(folder, "trust.pem", "".join(pem("CERTIFICATE", entry.cert) for entry in trusted))


if __name__ == "__main__":
    main(*sys.argv[1:])
