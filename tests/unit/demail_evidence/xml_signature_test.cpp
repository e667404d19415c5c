// Documents signed by the xmlsec1 program, good and bad; what it says of each stands beside what we say.
#include <thread>

#include "tests/unit/demail_evidence/fixture.hpp"

namespace demail {
namespace {

using namespace tests;
using enum XmlFinding;
using Findings = std::set<XmlFinding>;

const std::string k_more = "http://www.w3.org/2001/04/xmldsig-more#", k_enc = "http://www.w3.org/2001/04/xmlenc#";

Findings findings(const std::string& document) {
  const SignedXml out = verify_signed_xml(document);
  EXPECT_EQ(out.digested.empty(), !out.findings.empty()) << "bytes only where the signature is good";
  return out.findings;
}

TEST(SignedXml, EachMethodByXmlsec1) {
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {"rsa", "rsa-sha256", "sha256"},         {"rsa", "rsa-sha384", "sha384"},  {"rsa", "rsa-sha512", "sha512"},
      {"ec", "ecdsa-sha256", "sha256"},        {"ec", "ecdsa-sha384", "sha384"}, {"ec", "ecdsa-sha512", "sha512"},
      {"brainpool", "ecdsa-sha384", "sha384"},
  };
  for (const auto& [key, method, digest] : rows) {
    SignatureTemplate t;
    t.method = k_more + method;
    t.digest = (std::string(digest) == "sha384" ? k_more : k_enc) + digest;
    const std::string document = signed_xml({}, t, key);
    EXPECT_TRUE(xmlsec_verifies(document)) << method;
    const SignedXml out = verify_signed_xml(document);
    EXPECT_EQ(out.findings, Findings{}) << method;
    EXPECT_EQ(out.certificate, Providers::pki().der(key));
    EXPECT_NE(out.digested.find("<Sender>Eingangsbestaetigung@"), std::string::npos);
    EXPECT_EQ(out.digested.find("Signature"), std::string::npos) << "the signature is not what it covers";
    const std::string altered = replaced(document, "Hiermit", "Hiermut");
    EXPECT_EQ(findings(altered), Findings{bad_signature}) << method;
    EXPECT_FALSE(xmlsec_verifies(altered));
  }
}

// xmlsec1 1.2 knows no PSS: the digest is its own, SignedInfo is canonicalised here by hand, and openssl signs it.
std::string pss_signed(const std::string& key, const std::string& hash, const std::string& salt = "digest") {
  SignatureTemplate t;
  t.method = k_more + "rsa-sha256";
  std::string document = signed_xml({}, t, "rsa");
  document = replaced(document, k_more + "rsa-sha256", "http://www.w3.org/2007/05/xmldsig-more#sha" + hash + "-rsa-MGF1");
  const auto begin = document.find("<ds:SignedInfo"), end = document.find("</ds:SignedInfo>") + 16;
  std::string info =
      replaced(document.substr(begin, end - begin), "<ds:SignedInfo", "<ds:SignedInfo xmlns:ds=\"" + k_dsig + "\"");
  info = std::regex_replace(info, std::regex("<(ds:[A-Za-z]+)([^<>]*)/>"), "<$1$2></$1>");
  const std::string f = Providers::pki().file(key);
  spill(f + ".info", info);
  must_run("openssl dgst -sha" + hash + " -sign " + f + ".key -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:" + salt +
           " -out " + f + ".infosig " + f + ".info");
  document = replaced_between(document, "<ds:SignatureValue>", "<",
                              "<ds:SignatureValue>" + base::to_base64(slurp(f + ".infosig")) + "<");
  return replaced_between(document, "<ds:X509Certificate>", "<",
                          "<ds:X509Certificate>" + base::to_base64(Providers::pki().der(key)) + "<");
}

TEST(SignedXml, PssByOpenssl) {
  for (const char* key : {"rsa", "pss"})
    for (const char* hash : {"256", "384", "512"}) {
      const std::string document = pss_signed(key, hash);
      EXPECT_EQ(findings(document), Findings{}) << key << " " << hash;
      EXPECT_EQ(verify_signed_xml(document).certificate, Providers::pki().der(key));
      EXPECT_EQ(findings(replaced(document, "Hiermit", "Hiermut")), Findings{bad_signature});
      EXPECT_EQ(findings(replaced(document, std::string("#sha") + hash, std::string(hash) == "256" ? "#sha384" : "#sha256")),
                Findings{bad_signature});
    }
  EXPECT_EQ(findings(replaced(pss_signed("rsa", "256"), "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
                              k_more + "rsa-sha256")),
            Findings{bad_signature})
      << "a PSS value is none of PKCS #1 v1.5";
  SignatureTemplate t;
  t.method = k_more + "rsa-sha256";
  EXPECT_EQ(findings(replaced(signed_xml({}, t, "rsa"), k_more + "rsa-sha256",
                              "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")),
            Findings{bad_signature});
}

TEST(SignedXml, Canonicalisations) {
  const std::string c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", c14n11 = "http://www.w3.org/2006/12/xml-c14n11";
  const std::string enveloped = "<ds:Transform Algorithm=\"" + k_enveloped + "\"/>";
  for (const std::string& canonical : {c14n, c14n11, k_exc_c14n})
    for (const std::string& transform : {c14n, c14n11, k_exc_c14n, std::string()}) {
      SignatureTemplate t;
      t.canonical = canonical;
      t.transforms = enveloped + (transform.empty() ? "" : "<ds:Transform Algorithm=\"" + transform + "\"/>");
      const std::string document = signed_xml({}, t);
      EXPECT_TRUE(xmlsec_verifies(document));
      EXPECT_EQ(findings(document), Findings{}) << canonical << " " << transform;
    }
  SignatureTemplate t;
  t.transforms = enveloped + "<ds:Transform Algorithm=\"" + k_exc_c14n + "\"><ec:InclusiveNamespaces xmlns:ec=\"" + k_exc_c14n +
                 "\" PrefixList=\"xs\"/></ds:Transform>";
  EXPECT_EQ(findings(signed_xml({}, t)), Findings{});
}

// Each of these is good for the xmlsec1 program, and says something else than what is signed or trusted.
TEST(Refused, WhatXmlsec1LetsPass) {
  struct Row {
    const char* why;
    SignatureTemplate made;
    XmlFinding finding;
    std::string sign_options, verify_options;
  };
  const std::string enveloped = "<ds:Transform Algorithm=\"" + k_enveloped + "\"/>";
  std::vector<Row> rows;
  const auto add = [&](const char* why, XmlFinding finding, auto change) -> Row& {
    Row row{why, {}, finding, "", ""};
    change(row.made);
    rows.push_back(row);
    return rows.back();
  };
  add("XPath that selects nothing", forbidden_algorithm, [&](SignatureTemplate& t) {
    t.transforms =
        enveloped +
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>false()</ds:XPath></ds:Transform>";
  });
  add("XSLT", forbidden_algorithm, [&](SignatureTemplate& t) {
    t.transforms = enveloped +
                   "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet version=\"1.0\" "
                   "xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"><xsl:template "
                   "match=\"/\"><x/></xsl:template></xsl:stylesheet></ds:Transform>";
  });
  add("SHA-1 signed", forbidden_algorithm, [&](SignatureTemplate& t) { t.method = k_more + "ecdsa-sha1"; });
  add("SHA-1 digested", forbidden_algorithm, [&](SignatureTemplate& t) { t.digest = k_dsig + "sha1"; });
  add("SHA-224 signed", forbidden_algorithm, [&](SignatureTemplate& t) { t.method = k_more + "ecdsa-sha224"; });
  add("comments canonicalised", forbidden_algorithm, [&](SignatureTemplate& t) { t.canonical = k_exc_c14n + "WithComments"; });
  add("a part of it", partial_reference, [&](SignatureTemplate& t) { t.uri = "#x"; }).sign_options =
      "--id-attr:Id urn:de-mail:Acknowledge-Message";
  rows.back().verify_options = rows.back().sign_options;
  add("by XPointer", partial_reference, [&](SignatureTemplate& t) { t.uri = "#xpointer(/)"; });
  Providers::pki();
  const std::string file = Pki::get().file("foreign.xml");
  spill(file, "<x/>");
  add("a file", partial_reference, [&](SignatureTemplate& t) {
    t.uri = "file://" + file;
    t.transforms = "<ds:Transform Algorithm=\"" + k_exc_c14n + "\"/>";
  });
  add("two references", several_references, [&](SignatureTemplate& t) { t.more_references = t.reference(""); });
  add("an object", malformed, [&](SignatureTemplate& t) { t.object = "<ds:Object><x>unsigned</x></ds:Object>"; });
  for (const Row& row : rows) {
    std::string xml = Acknowledgement().xml(row.made.text());
    if (!row.sign_options.empty()) xml = replaced(xml, "<Acknowledge-Message ", "<Acknowledge-Message Id=\"x\" ");
    const std::string document = xmlsec_sign(xml, "ec", row.sign_options);
    EXPECT_TRUE(xmlsec_verifies(document, row.verify_options)) << row.why;
    EXPECT_TRUE(findings(document).contains(row.finding)) << row.why;
  }
}

TEST(Refused, KeysThatNobodyVouchesFor) {
  SignatureTemplate t;
  t.key_info = "<ds:KeyValue/>";
  t.method = k_more + "rsa-sha256";
  const std::string by_value = signed_xml({}, t, "rsa");
  EXPECT_TRUE(xmlsec_verifies(by_value)) << "anybody's key";
  EXPECT_EQ(findings(by_value), Findings{no_certificate});
  const std::string good = signed_xml();
  const auto with_certificate = [&](const std::string& text) {
    return replaced_between(good, "<ds:X509Certificate>", "<", "<ds:X509Certificate>" + text + "<");
  };
  EXPECT_EQ(findings(with_certificate("?")), Findings{bad_certificate});
  EXPECT_EQ(findings(with_certificate("MAA=")), Findings{bad_certificate});
  EXPECT_EQ(findings(with_certificate(base::to_base64(Providers::pki().der("brainpool")))), Findings{bad_signature});
  EXPECT_EQ(findings(replaced_between(good, "<ds:KeyInfo>", "</ds:KeyInfo>", "")), Findings{no_certificate});
}

TEST(SignedXml, CertificatesInAnyOrder) {
  const std::string good = signed_xml(),
                    ca = "<ds:X509Certificate>" + base::to_base64(Providers::pki().der("ca")) + "</ds:X509Certificate>";
  for (const std::string& document : {replaced(good, "<ds:X509Certificate>", ca + "<ds:X509Certificate>"),
                                      replaced(good, "</ds:X509Certificate>", "</ds:X509Certificate>" + ca)}) {
    const SignedXml out = verify_signed_xml(document);
    EXPECT_EQ(out.findings, Findings{});
    EXPECT_EQ(out.certificate, Providers::pki().der("ec"));
    EXPECT_EQ(out.more_certificates, std::vector<std::string>{Providers::pki().der("ca")});
  }
  std::string many;
  for (int i = 0; i < 8; ++i) many += ca;
  EXPECT_EQ(findings(replaced(good, "<ds:X509Certificate>", many + "<ds:X509Certificate>")), Findings{bad_certificate});
}

TEST(Refused, WrappedAndMoved) {
  const std::string good = signed_xml();
  const auto begin = good.find("<ds:Signature "), end = good.find("</ds:Signature>") + 15;
  const std::string signature = good.substr(begin, end - begin), bare = good.substr(0, begin) + good.substr(end);
  const auto with = [&](const std::string& where) { return replaced(bare, where, signature + where); };
  EXPECT_EQ(findings(bare), Findings{no_signature});
  EXPECT_EQ(findings(with("</Metadata>")), Findings{misplaced_signature});
  EXPECT_EQ(findings(with("</Text>")), Findings{misplaced_signature});
  EXPECT_EQ(findings(replaced(good, "<ds:Signature ", signature + "<ds:Signature ")), Findings{several_signatures});
  EXPECT_TRUE(findings(replaced(good, "<ds:KeyInfo>", "<ds:KeyInfo>" + signature)).contains(several_signatures));
  // elsewhere below the root it covers the same bytes: that is for the schema to refuse
  EXPECT_EQ(findings(with("<Hash>")), Findings{});
  // the signed document within another
  const std::string inner = good.substr(good.find("<Acknowledge"));
  const std::string wrapped =
      "<Acknowledge-Message xmlns=\"urn:de-mail\"><Sender>evil</Sender>" + inner + "</Acknowledge-Message>";
  EXPECT_EQ(findings(wrapped), (Findings{misplaced_signature, XmlFinding::wrapped}));
  const std::string around = "<Acknowledge-Message xmlns=\"urn:de-mail\"><Sender>evil</Sender><Metadata>" +
                             bare.substr(bare.find("<Acknowledge")) + "</Metadata>" + signature + "</Acknowledge-Message>";
  EXPECT_EQ(findings(around), Findings{XmlFinding::wrapped});
  // into the signature itself, where a reference by its identifier would still find it
  const std::string object = replaced(good, "</ds:Signature>", "<ds:Object>" + inner + "</ds:Object></ds:Signature>");
  EXPECT_TRUE(findings(object).contains(XmlFinding::wrapped));
  // a renamed root, unsigned siblings, a second document behind the first
  std::string renamed = replaced(good, "<Acknowledge-Message ", "<Other ");
  EXPECT_EQ(findings(replaced(renamed, "</Acknowledge-Message>", "</Other>")), Findings{bad_signature});
  EXPECT_EQ(findings(replaced(good, "<Hash>", "<Extra/><Hash>")), Findings{bad_signature});
  EXPECT_EQ(findings(good + inner), Findings{malformed});
  EXPECT_EQ(findings(good + "text"), Findings{malformed});
}

// With the identifiers that make it possible elsewhere: the reference finds its element wherever it was moved.
TEST(Refused, DuplicateIdentifiers) {
  SignatureTemplate t;
  t.uri = "#x";
  const std::string id = "--id-attr:Id urn:de-mail:Acknowledge-Message";
  const std::string good =
      xmlsec_sign(replaced(Acknowledgement().xml(t.text()), "<Acknowledge-Message ", "<Acknowledge-Message Id=\"x\" "), "ec", id);
  const std::string inner = good.substr(good.find("<Acknowledge"));
  const std::string moved = "<Acknowledge-Message xmlns=\"urn:de-mail\"><Sender>evil</Sender>" + inner + "</Acknowledge-Message>";
  EXPECT_TRUE(xmlsec_verifies(moved, id)) << "found wherever it stands";
  EXPECT_EQ(findings(moved), (Findings{misplaced_signature, wrapped}));
  const std::string twice =
      "<Wrapper>" + inner +
      "<Acknowledge-Message xmlns=\"urn:de-mail\" Id=\"x\"><Sender>evil</Sender></Acknowledge-Message></Wrapper>";
  EXPECT_EQ(findings(twice), Findings{misplaced_signature});
  EXPECT_EQ(findings(good), Findings{partial_reference});
}

TEST(Refused, Comments) {
  const std::string good = signed_xml();
  for (const std::string& bad : {replaced(good, "Eingangsbestaetigung@", "Eingangs<!-- -->bestaetigung@"),
                                 replaced(good, "<Hash>", "<!-- x --><Hash>"), good + "<!-- behind -->"}) {
    EXPECT_TRUE(xmlsec_verifies(bad)) << "comments are not covered";
    EXPECT_EQ(findings(bad), Findings{has_comments});
  }
}

TEST(Refused, DtdAndEntities) {
  const std::string good = signed_xml();
  const auto with_doctype = [&](const std::string& doctype) {
    return replaced(good, "<Acknowledge-Message", doctype + "<Acknowledge-Message");
  };
  EXPECT_EQ(findings(with_doctype("<!DOCTYPE Acknowledge-Message>")), Findings{has_dtd});
  EXPECT_EQ(findings(with_doctype("<!DOCTYPE Acknowledge-Message SYSTEM \"http://127.0.0.1:1/x.dtd\">")), Findings{has_dtd});
  EXPECT_EQ(findings(with_doctype("<!DOCTYPE Acknowledge-Message [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>")),
            Findings{has_dtd});
  EXPECT_EQ(findings(with_doctype("<!DOCTYPE Acknowledge-Message [<!ATTLIST Acknowledge-Message Id ID #IMPLIED>]>")),
            Findings{has_dtd});
  std::string bomb = "<!DOCTYPE Acknowledge-Message [<!ENTITY a0 \"ha\">";
  for (int i = 1; i < 30; ++i)
    bomb += "<!ENTITY a" + std::to_string(i) + " \"&a" + std::to_string(i - 1) + ";&a" + std::to_string(i - 1) + ";\">";
  EXPECT_EQ(findings(replaced(with_doctype(bomb + "]>"), "Hiermit", "&a29;")), Findings{has_dtd});
  EXPECT_EQ(findings(replaced(good, "Hiermit", "&undeclared;")), Findings{has_entities});
  // the five that XML itself has are text
  Acknowledgement a;
  a.text = "&lt;&amp;&gt;&quot;&apos;&#228;";
  EXPECT_EQ(findings(signed_xml(a)), Findings{});
}

TEST(Refused, DeepAndLarge) {
  std::string deep = "<Acknowledge-Message xmlns=\"urn:de-mail\">";
  for (int i = 0; i < 5000; ++i) deep += "<a>";
  EXPECT_EQ(findings(deep), Findings{malformed});
  for (int i = 0; i < 5000; ++i) deep += "</a>";
  EXPECT_EQ(findings(deep + "</Acknowledge-Message>"), Findings{malformed});
  Acknowledgement a;
  a.text = std::string(k_max_confirmation_xml, 'x');
  EXPECT_EQ(findings(a.xml(SignatureTemplate().text())), Findings{malformed});
  for (const char* bad :
       {"", " ", "x", "<", "<a", "<a></b>", "\xff\xfe", "<a>\x01</a>", "<a xmlns:b=\"c\"><b:c/></b>", "<?xml version=\"1.0\"?>"})
    EXPECT_EQ(findings(bad), Findings{malformed}) << bad;
}

TEST(SignedXml, WritesNothingToStandardError) {
  const std::string good = signed_xml();
  SignatureTemplate t;
  t.method = k_more + "hmac-sha256";
  testing::internal::CaptureStderr();
  for (const std::string& bad :
       {std::string("<a"), replaced(good, "Hiermit", "x"), Acknowledgement().xml(SignatureTemplate().text()),
        Acknowledgement().xml(t.text()), replaced(good, "urn:de-mail", "::"),
        std::regex_replace(good, std::regex("<ds:DigestValue>"), "<ds:DigestValue>?")})
    (void)verify_signed_xml(bad);
  std::thread([&] { (void)verify_signed_xml("<a"); }).join();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(SignedXml, FromManyThreads) {
  const std::string good = signed_xml(), bad = replaced(good, "Hiermit", "Hiermut");
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 25; ++round)
        right += (verify_signed_xml(good).findings.empty() ? 1 : 0) + (verify_signed_xml(bad).findings.empty() ? 0 : 1);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

}  // namespace
}  // namespace demail
