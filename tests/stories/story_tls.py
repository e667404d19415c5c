"""TLS from the first byte (465), and a relay that knows its clients by certificate."""
import smtplib
import ssl

from house import House

with House() as h:
    server_cert, server_key = h.server_cert
    h.extra = f"""
[tls.mutual]
certificate = "{server_cert}"
key = {{ file = "{server_key}" }}
client_anchors = "{h.pki.ca}"

[[listener]]
role = "submission"
address = "127.0.0.1:0"
tls = "gw"
implicit_tls = true

[[listener]]
role = "relay"
address = "127.0.0.1:0"
tls = "mutual"
client_certificates = ["mail.stadt.example"]
departments = ["bauamt"]
"""
    h.write_config()
    h.start()  # the listeners that come last in the file hold the ports by role
    h.add_account("bau", "geheim", ["bauamt@stadt.example"])
    context = ssl.create_default_context(cafile=str(h.pki.ca))
    context.check_hostname = False

    with smtplib.SMTP_SSL("127.0.0.1", h.ports["submission"], context=context, timeout=30) as s:
        s.login("bau", "geheim")
        s.sendmail("bauamt@stadt.example", ["x@aussen.example"], "From: bauamt@stadt.example\r\nTo: x@aussen.example\r\nSubject: 465\r\n\r\nx\r\n")
    assert b"Subject: 465" in h.internet.wait(1)[0]["data"]

    def relay(certificate):
        """The code of MAIL for a client with this certificate, or with none."""
        mutual = ssl.create_default_context(cafile=str(h.pki.ca))
        mutual.check_hostname = False
        if certificate:
            mutual.load_cert_chain(*map(str, certificate))
        s = smtplib.SMTP("127.0.0.1", h.ports["relay"], timeout=30)
        try:
            s.starttls(context=mutual)
            s.ehlo()
            return s.mail("bauamt@stadt.example")[0]
        finally:
            s.close()

    usage = "extendedKeyUsage=clientAuth\n"
    assert relay(h.pki.issue("mail.stadt.example", usage)) == 250
    assert relay(h.pki.issue("anderer.stadt.example", usage)) == 554
    assert relay(None) == 554
    # the right name from an authority that is not ours
    foreign = type(h.pki)(h.dir / "foreign").issue("mail.stadt.example", usage)
    assert relay(foreign) == 554
    s = smtplib.SMTP("127.0.0.1", h.ports["relay"], timeout=30)
    s.ehlo()
    assert s.mail("bauamt@stadt.example")[0] == 554  # in clear, without any proof
    s.close()
    assert h.stop() == 0
print("tls: good")
