"""A client of the HTTPS API, as a business system would write one; used by the stories of https."""
import http.client
import json
import ssl

HTTPS = """
[tls.api]
certificate = "{cert}"
key = {{ file = "{key}" }}
client_anchors = "{anchors}"

[[listener]]
role = "https"
address = "127.0.0.1:0"
tls = "api"
client_certificates = ["fachverfahren"]
departments = ["bauamt"]
"""


def https_config(house):
    """The text of an https listener; its certificate is the gateway's."""
    cert, key = house.pki.server("api.stadt.example")
    key.chmod(0o400)
    return HTTPS.format(cert=cert, key=key, anchors=house.pki.ca)


class Client:
    def __init__(self, house, token=None, certificate=None, language=None, timeout=20):
        self.context = ssl.create_default_context(cafile=str(house.pki.ca))
        if certificate:
            self.context.load_cert_chain(*map(str, certificate))
        self.port, self.token, self.language, self.timeout = house.ports["https"], token, language, timeout
        self.connection = None

    def ask(self, method, target, body=None, **fields):
        """(status, fields, body) of one request on a kept connection."""
        headers = {"Authorization": "Bearer " + self.token} if self.token else {}
        if self.language:
            headers["Accept-Language"] = self.language
        headers.update({name.replace("_", "-"): value for name, value in fields.items()})
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=self.timeout)
        self.connection.request(method, target, body=body, headers=headers, encode_chunked=hasattr(body, "__next__"))
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.getheader("Connection") == "close":
            self.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data

    def json(self, method, target, body=None, **fields):
        if isinstance(body, dict):
            body, fields = json.dumps(body).encode(), {"Content_Type": "application/json", **fields}
        status, headers, data = self.ask(method, target, body, **fields)
        return status, headers, json.loads(data) if data else None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def token_for(house, account="amt53", *words):
    return house.json("users", "token", "add", account, *words)


def message(to="buerger@aussen.example", subject="Bescheid", **more):
    return {"from": "amt53@stadt.example", "to": to, "subject": subject, "text": "Guten Tag\nÜbermorgen", **more}
