// Confirmations as a provider would send them: the XML signed and verified by the xmlsec1 program, the header by integrity.py and
// openssl. Nothing here is made by the rooms that are tested.
#pragma once

#include <regex>

#include "demail/evidence/confirmation.hpp"
#include "tests/unit/demail.hpp"

namespace tests {

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
// What stands from `begin` to the next `end`, both included. No std::regex: it takes a frame of the stack for each character.
inline std::string replaced_between(std::string text, const std::string& begin, const std::string& end, const std::string& to) {
  const auto at = text.find(begin);
  const auto stop = at == std::string::npos ? at : text.find(end, at + begin.size());
  EXPECT_NE(stop, std::string::npos) << begin;
  return stop == std::string::npos ? text : text.replace(at, stop + end.size() - at, to);
}
inline std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return out;
}

inline const std::string k_dsig = "http://www.w3.org/2000/09/xmldsig#";
inline const std::string k_exc_c14n = "http://www.w3.org/2001/10/xml-exc-c14n#";
inline const std::string k_enveloped = k_dsig + "enveloped-signature";

struct SignatureTemplate {
  std::string method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", digest = "http://www.w3.org/2001/04/xmlenc#sha256";
  std::string canonical = k_exc_c14n, uri = "";
  std::string transforms = "<ds:Transform Algorithm=\"" + k_enveloped + "\"/><ds:Transform Algorithm=\"" + k_exc_c14n + "\"/>";
  std::string key_info = "<ds:X509Data/>";
  std::string more_references, object;

  std::string reference(const std::string& to) const {
    return "<ds:Reference URI=\"" + to + "\"><ds:Transforms>" + transforms + "</ds:Transforms><ds:DigestMethod Algorithm=\"" +
           digest + "\"/><ds:DigestValue/></ds:Reference>";
  }
  std::string text() const {
    return "<ds:Signature xmlns:ds=\"" + k_dsig + "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" + canonical +
           "\"/><ds:SignatureMethod Algorithm=\"" + method + "\"/>" + reference(uri) + more_references +
           "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo>" + key_info + "</ds:KeyInfo>" + object + "</ds:Signature>";
  }
};

// One of our De-Mails as its provider sent it on: with its own fields and hash.
inline const std::string& original() {
  static const std::string made = script("make sha256", k_demail);
  return made;
}

struct Acknowledgement {
  std::string sender = "Eingangsbestaetigung@anderer.de-mail.example";
  std::string subject = "Eingangsbestätigung: Bescheid über etwas", text = "Hiermit wird bestätigt …";
  std::string time = "2026-03-02T08:16:00Z", delivery_time;
  std::string of = original();
  std::string line_end = "&#13;\n";  // how CRLF comes through a reader of XML
  std::set<std::string> left_out;    // metadata, by lower case name

  std::string metadata() const {
    std::string out;
    const mail::Header header = split(of).header;
    for (const mail::HeaderField& f : header.fields()) {
      const std::string name = base::to_lower(f.name);
      if (demail::find_rule(name) == nullptr || left_out.contains(name)) continue;
      std::string raw = escaped(std::string(f.raw));
      for (std::size_t at = 0; (at = raw.find("\r\n", at)) != std::string::npos; at += line_end.size())
        raw.replace(at, 2, line_end);
      out += "<Metadate><Name>" + std::string(f.name) + "</Name><Value>" + escaped(f.value()) + "</Value><OriginalHeader>" + raw +
             "</OriginalHeader></Metadate>\n";
    }
    return out;
  }
  std::string hash() const { return split(of).header.find(demail::field::integrity)->value(); }
  std::string xml(const std::string& signature) const {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Acknowledge-Message xmlns=\"urn:de-mail\">\n<Sender>" + sender +
           "</Sender>\n<Metadata>" + metadata() + "</Metadata><Subject>" + subject + "</Subject><Text>" + text +
           "</Text>\n<Hash>" + escaped(hash()) + "</Hash><Time>" + time + "</Time>" +
           (delivery_time.empty() ? "" : "<DeliveryTime>" + delivery_time + "</DeliveryTime>") + signature +
           "</Acknowledge-Message>\n";
  }
};

inline std::string xmlsec_sign(const std::string& document, const std::string& key = "ec", const std::string& options = "") {
  static TempDir dir;
  Providers::pki();
  spill(dir.path() / "in.xml", document);
  const std::string f = Pki::get().file(key);
  must_run("cd " + dir.path().string() + " && xmlsec1 --sign " + options + " --privkey-pem " + f + ".key," + f +
           ".pem --output out.xml in.xml");
  return slurp(dir.path() / "out.xml");
}
// What the program says of it, with our anchor and whatever it allows by itself.
inline bool xmlsec_verifies(const std::string& document, const std::string& options = "") {
  static TempDir dir;
  spill(dir.path() / "in.xml", document);
  return run("cd " + dir.path().string() + " && xmlsec1 --verify " + options + " --trusted-pem " +
             Providers::pki().file("ca.pem") + " in.xml")
             .status == 0;
}
inline std::string signed_xml(const Acknowledgement& acknowledgement = {}, const SignatureTemplate& signature = {},
                              const std::string& key = "ec") {
  return xmlsec_sign(acknowledgement.xml(signature.text()), key);
}

inline const std::string k_pdf = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";

struct Part {
  std::string content, encoding = "base64", type = "application/octet-stream";
  std::string text() const {
    std::string body = content;
    if (encoding == "base64") {
      body = base::to_base64(content);
      for (std::size_t at = 76; at < body.size(); at += 78) body.insert(at, "\r\n");
    }
    return "Content-Type: " + type + "\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + body + "\r\n";
  }
};

// The message around it.
struct Envelope {
  std::string type = "confirmation of receipt";
  std::string from = "Eingangsbestaetigung@anderer.de-mail.example", private_id = "0197c1d2-8f00", more;
  std::string mixed = "multipart/mixed";
  std::string algorithm = "sha256/ec-dsa", key = "ec";  // of the header's signature; no key: hashed only

  std::string unsigned_message(const std::vector<Part>& parts) const {
    std::string out =
        "x-de-mail-message-id: <99@pvd.anderer.de-mail.example>\r\nx-de-mail-originator-provider: pvd.anderer.de-mail.example\r\n"
        "x-de-mail-message-type: " +
        type + "\r\nx-de-mail-version: 1.8\r\nx-de-mail-sender: " + from +
        "\r\nx-de-mail-chosen-recipient: to=amt53@stadt.de-mail.example\r\nx-de-mail-actual-recipient: "
        "to=amt53@stadt.de-mail.example\r\n" +
        (private_id.empty() ? "" : "x-de-mail-private-id: " + private_id + "\r\n") + more + "From: " + from +
        "\r\nTo: amt53@stadt.de-mail.example\r\nSubject: *Eingangsbestaetigung* Bescheid\r\nDate: Mon, 02 Mar 2026 08:16:01 "
        "+0000\r\n"
        "Message-ID: <99@pvd.anderer.de-mail.example>\r\nMIME-Version: 1.0\r\nContent-Type: " +
        mixed + "; boundary=b\r\n\r\n";
    for (const Part& part : parts) out += "--b\r\n" + part.text();
    return out + "--b--\r\n";
  }
  std::string message(const std::vector<Part>& parts) const {
    const std::string f = Providers::pki().file(key);
    return script("make " + algorithm + (key.empty() ? "" : " " + f + ".key " + f + ".pem"), unsigned_message(parts));
  }
};

inline std::string confirmation(const std::string& xml, const Envelope& envelope = {}) {
  return envelope.message({{xml}, {k_pdf}});
}

inline demail::Evidence evidence_of(const std::string& message, const certs::TrustStore* anchors = &Providers::anchors()) {
  auto out = demail::read_evidence(message, anchors, Providers::now());
  EXPECT_TRUE(out);
  return *std::move(out);
}

}  // namespace tests
