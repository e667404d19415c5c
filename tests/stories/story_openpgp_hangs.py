"""gpg hangs: the message that needs it is deferred, other mail flows, status tells; it is delivered once gpg works again."""
import email

from house import House, run, until

with House(retry='first = "1s"\nmost = "10s"') as h:
    gpg, flag = h.dir / "gpg", h.dir / "hang"
    gpg.write_text(f"#!/bin/sh\n[ -e {flag} ] && kill -STOP $$\nexec gpg \"$@\"\n")
    gpg.chmod(0o700)
    h.extra = f'[openpgp]\nprogram = "{gpg}"\ndeadline = "1s"\n'
    h.write_config()
    h.start()
    h.add_account()
    h.cli("keys", "generate", "amt53@stadt.example", "--name", "Gesundheitsamt")
    home = h.dir / "firma"
    home.mkdir(mode=0o700)

    def partner(*args, **kw):
        return run("gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase", "", *args, **kw)

    partner("--quick-generate-key", "info@firma.example", "future-default", "default", "never")
    (h.dir / "firma.asc").write_bytes(partner("--armor", "--export", "info@firma.example").stdout)
    h.cli("keys", "import", h.dir / "firma.asc", "--partner")

    flag.touch()
    for i in range(6):  # more than there are threads for gpg
        h.submit(["info@firma.example"], text=f"Geheim {i}")
    until("each is deferred", lambda: len({leaf["mid"] for leaf in h.leaves("relay.defer")}) == 6)
    h.submit(["offen@aussen.example"], sender="bauamt@stadt.example", role="relay")
    assert h.internet.wait(1)[0]["to"] == ["offen@aussen.example"]
    h.submit(["amt53@stadt.example"], sender="fremd@aussen.example", role="mx")
    h.mailboxes.wait(1)
    status = h.json("status")
    assert status["openpgp"]["late"] >= 1, status
    until("the gpg that hung is ended", lambda: any('"openpgp.overdue"' in e for e in h.events))
    # a command that needs gpg comes back as well, with an error, and costs no thread for good
    assert h.cli("keys", "generate", "bauamt@stadt.example", "--name", "Bauamt", check=False).returncode != 0
    assert not any(b"Geheim" in m["data"] for m in h.internet.messages)

    flag.unlink()
    messages = h.internet.wait(7)
    assert len(messages) == 7
    texts = set()
    for message in messages[1:]:
        parsed = email.message_from_bytes(message["data"])
        assert parsed.get_content_type() == "multipart/encrypted", parsed.get_content_type()
        opened = partner("--decrypt", input=parsed.get_payload()[1].get_payload().encode(), check=False)
        texts |= {i for i in range(6) if f"Geheim {i}".encode() in opened.stdout}
    assert texts == set(range(6)), texts
    until("nothing hangs any more", lambda: h.json("status")["openpgp"]["lost"] == 0)
    assert h.stop() == 0
print("openpgp hangs: good")
