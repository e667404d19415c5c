"""Who may send as whom: every cell of listener x reverse path x From; exactly the allowed ones pass."""
import smtplib

from house import House

OWN, DEPARTMENT, OTHER, STRANGER = "amt53@stadt.example", "kollege@gesundheit.stadt.example", "bauamt@stadt.example", "fremde@aussen.example"
PATHS = (OWN, DEPARTMENT, OTHER, STRANGER, "")
FROMS = (OWN, DEPARTMENT, OTHER, STRANGER)

# amt53's account has OWN and all of DEPARTMENT's domain; the relay speaks for both departments, each by itself
ALLOWED = (
    {("submission", path, sender) for path in (OWN, DEPARTMENT, "") for sender in (OWN, DEPARTMENT)}
    | {("relay", path, sender) for path in (OWN, DEPARTMENT, "") for sender in (OWN, DEPARTMENT)}
    | {("relay", path, OTHER) for path in (OTHER, "")}
    | {("mx", path, STRANGER) for path in (STRANGER, "")})


def passes(client, path, senders):
    """Whether the message is taken; the refusal must be one for good."""
    code, _ = client.mail(path)
    if code == 250:
        code, reply = client.rcpt("kollegin@stadt.example")
        assert code == 250, reply
        code, _ = client.data("".join(f"From: {s}\r\n" for s in senders).encode() + b"Subject: Probe\r\n\r\nHallo\r\n")
    client.rset()
    assert code in (250, 550), code
    return code == 250


def main():
    with House() as h:
        h.start()
        h.add_account(addresses=(OWN, "*@gesundheit.stadt.example"))
        passed, cells = set(), 0
        for role in ("submission", "relay", "mx"):
            client = h.client(role)
            client.ehlo_or_helo_if_needed()
            for path in PATHS:
                for sender in FROMS:
                    cells += 1
                    if passes(client, path, [sender]):
                        passed.add((role, path, sender))
            client.close()
        assert passed == ALLOWED, f"too much: {sorted(passed - ALLOWED)}, too little: {sorted(ALLOWED - passed)}"
        client = h.client("mx")
        client.ehlo_or_helo_if_needed()
        assert not passes(client, STRANGER, [STRANGER, OWN]), "a stranger uses our address in a second From"
        assert not passes(client, STRANGER, [OWN, STRANGER]), "a stranger uses our address in a first From"
        client.close()
        h.mailboxes.wait(len(ALLOWED))
        assert len(h.mailboxes.messages) == len(ALLOWED)
        try:
            h.client(login=("amt53", "falsch"))
            raise AssertionError("a wrong password is taken")
        except smtplib.SMTPAuthenticationError as e:
            assert e.smtp_code == 535, e
        print(f"{cells} cells, {len(ALLOWED)} allowed")


if __name__ == "__main__":
    main()
