#include "demail/evidence/xml_signature.hpp"

#include <algorithm>
#include <array>

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>

#include "certs/model/certificate.hpp"
#include "demail/evidence/pss_transform.hpp"
#include "demail/evidence/xml_document.hpp"

namespace demail {
namespace {

constexpr std::string_view k_dsig = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::size_t k_max_certificates = 8;  // inside one signature

// Names of algorithms, and the transform of the library that does it.
struct Algorithm {
  std::string_view uri;
  xmlSecTransformId (*id)();
};
constexpr std::string_view k_enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const std::array k_canonical = {
    Algorithm{"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", [] { return xmlSecTransformInclC14NId; }},
    Algorithm{"http://www.w3.org/2006/12/xml-c14n11", [] { return xmlSecTransformInclC14N11Id; }},
    Algorithm{"http://www.w3.org/2001/10/xml-exc-c14n#", [] { return xmlSecTransformExclC14NId; }},
};
const std::array k_digests = {
    Algorithm{"http://www.w3.org/2001/04/xmlenc#sha256", [] { return xmlSecTransformSha256Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#sha384", [] { return xmlSecTransformSha384Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmlenc#sha512", [] { return xmlSecTransformSha512Id; }},
};
const std::array k_methods = {
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", [] { return xmlSecTransformRsaSha256Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", [] { return xmlSecTransformRsaSha384Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", [] { return xmlSecTransformRsaSha512Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", [] { return xmlSecTransformEcdsaSha256Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", [] { return xmlSecTransformEcdsaSha384Id; }},
    Algorithm{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", [] { return xmlSecTransformEcdsaSha512Id; }},
};
const std::array k_pss_methods = {
    Algorithm{"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
              [] { return pss_transform(base::HashAlgorithm::sha256); }},
    Algorithm{"http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
              [] { return pss_transform(base::HashAlgorithm::sha384); }},
    Algorithm{"http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
              [] { return pss_transform(base::HashAlgorithm::sha512); }},
};

template <class List>
bool knows(const List& list, std::string_view uri) {
  return std::any_of(list.begin(), list.end(), [&](const Algorithm& a) { return a.uri == uri; });
}

void ignore_xmlsec_error(const char*, int, const char*, const char*, const char*, int, const char*) {}
void ignore_libxml_error(void*, xmlError*) {}

bool set_up() {
  xmlInitParser();
  bool good = xmlSecInit() >= 0 && xmlSecCheckVersion() == 1 && xmlSecCryptoAppInit(nullptr) >= 0 && xmlSecCryptoInit() >= 0;
  // the default writes what the peer sent to standard error
  xmlSecErrorsSetCallback(ignore_xmlsec_error);
  for (const Algorithm& method : k_pss_methods) good = good && xmlSecTransformIdsRegister(method.id()) >= 0;
  return good;
}

// What a signature says about itself, read before the library sees it.
struct Described {
  std::set<XmlFinding> findings;
  bool is_pss = false;
  std::vector<std::string> certificates;
};

class Describer {
 public:
  explicit Describer(const xmlNode* signature) : m_signature(signature) {}

  Described describe() {
    const auto children = elements_of(m_signature);
    // nothing else: an Object is content that no reference covers
    if (children.size() < 2 || children.size() > 3 || !is(children[0], "SignedInfo") || !is(children[1], "SignatureValue") ||
        (children.size() == 3 && !is(children[2], "KeyInfo"))) {
      note(XmlFinding::malformed);
      return std::move(m_out);
    }
    signed_info(children[0]);
    if (children.size() == 3) key_info(children[2]);
    if (m_out.certificates.empty() && !m_bad_certificate) note(XmlFinding::no_certificate);
    if (m_bad_certificate) note(XmlFinding::bad_certificate);
    return std::move(m_out);
  }

 private:
  static bool is(const xmlNode* node, std::string_view name) { return is_element(node, k_dsig, name); }
  void note(XmlFinding finding) { m_out.findings.insert(finding); }
  static std::string algorithm(const xmlNode* node) { return attribute_of(node, "Algorithm").value_or(""); }

  void signed_info(const xmlNode* info) {
    const auto children = elements_of(info);
    if (children.size() < 3 || !is(children[0], "CanonicalizationMethod") || !is(children[1], "SignatureMethod")) {
      note(XmlFinding::malformed);
      return;
    }
    const std::string method = algorithm(children[1]);
    m_out.is_pss = knows(k_pss_methods, method);
    const bool plain = elements_of(children[1]).empty();  // no HMACOutputLength, no parameters
    if (!knows(k_canonical, algorithm(children[0])) || !(m_out.is_pss || knows(k_methods, method)) || !plain)
      note(XmlFinding::forbidden_algorithm);
    if (children.size() > 3) note(XmlFinding::several_references);
    for (std::size_t i = 2; i < children.size(); ++i) reference(children[i]);
  }

  void reference(const xmlNode* node) {
    const auto children = elements_of(node);
    if (!is(node, "Reference") || children.size() < 2 || children.size() > 3 ||
        !is(children[children.size() - 2], "DigestMethod") || !is(children.back(), "DigestValue") ||
        (children.size() == 3 && !is(children[0], "Transforms"))) {
      note(XmlFinding::malformed);
      return;
    }
    if (attribute_of(node, "URI") != "") note(XmlFinding::partial_reference);
    if (!knows(k_digests, algorithm(children[children.size() - 2]))) note(XmlFinding::forbidden_algorithm);
    const auto transforms = children.size() == 3 ? elements_of(children[0]) : std::vector<xmlNode*>();
    // enveloped, then at most one canonicalisation; without the first the signature would have to cover itself
    if (transforms.empty() || transforms.size() > 2 || algorithm(transforms[0]) != k_enveloped ||
        (transforms.size() == 2 && !knows(k_canonical, algorithm(transforms[1]))))
      note(XmlFinding::forbidden_algorithm);
  }

  void key_info(const xmlNode* info) {
    for (const xmlNode* data : elements_of(info)) {
      if (!is(data, "X509Data")) continue;
      for (const xmlNode* entry : elements_of(data))
        if (is(entry, "X509Certificate")) certificate(entry);
    }
  }

  void certificate(const xmlNode* entry) {
    auto text = text_of(entry);
    if (text) std::erase_if(*text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    auto der = base::parse_base64(text.value_or("?"));
    if (der && certs::public_key_of(*der) && m_out.certificates.size() < k_max_certificates)
      m_out.certificates.push_back(*std::move(der));
    else
      m_bad_certificate = true;
  }

  const xmlNode* m_signature;
  Described m_out;
  bool m_bad_certificate = false;
};

struct FreeContext {
  void operator()(xmlSecDSigCtx* context) const { xmlSecDSigCtxDestroy(context); }
};
using ContextPtr = std::unique_ptr<xmlSecDSigCtx, FreeContext>;

xmlSecKeyPtr key_of(const std::string& certificate, bool is_pss) {
  if (is_pss) return xmlSecKeyReadMemory(xmlSecKeyDataHmacId, reinterpret_cast<const xmlSecByte*>("-"), 1);  // see pss_transform
  return xmlSecCryptoAppKeyLoadMemory(base::u8(certificate), static_cast<xmlSecSize>(certificate.size()),
                                      xmlSecKeyDataFormatCertDer, nullptr, nullptr, nullptr);
}

// Everything that was found before is enforced here once more, by the library's own lists. No manager: one would trust the
// system's authorities and the keys in the message.
ContextPtr make_context(const std::string& certificate, bool is_pss) {
  ContextPtr context(xmlSecDSigCtxCreate(nullptr));
  if (!context) return nullptr;
  context->signKey = key_of(certificate, is_pss);
  context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  context->flags = XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES | XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
  bool good =
      context->signKey != nullptr && xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformEnvelopedId) >= 0;
  for (const Algorithm& digest : k_digests) good = good && xmlSecDSigCtxEnableReferenceTransform(context.get(), digest.id()) >= 0;
  for (const Algorithm& canonical : k_canonical)
    good = good && xmlSecDSigCtxEnableReferenceTransform(context.get(), canonical.id()) >= 0 &&
           xmlSecDSigCtxEnableSignatureTransform(context.get(), canonical.id()) >= 0;
  for (const Algorithm& method : k_methods) good = good && xmlSecDSigCtxEnableSignatureTransform(context.get(), method.id()) >= 0;
  for (const Algorithm& method : k_pss_methods)
    good = good && xmlSecDSigCtxEnableSignatureTransform(context.get(), method.id()) >= 0;
  return good ? std::move(context) : nullptr;
}

// The bytes that were digested; nullopt unless the signature is good.
std::optional<std::string> verify(xmlNode* signature, const std::string& certificate, bool is_pss) {
  const auto public_key = certs::public_key_of(certificate);
  const ContextPtr context = make_context(certificate, is_pss);
  if (!public_key || !context) return std::nullopt;
  PssVerification pss{*public_key, {}};
  context->transformCtx.userData = &pss;
  // 0 says only that it was computed: a wrong digest is 0 as well
  if (xmlSecDSigCtxVerify(context.get(), signature) != 0 || context->status != xmlSecDSigStatusSucceeded) return std::nullopt;
  if (xmlSecPtrListGetSize(&context->signedInfoReferences) != 1) return std::nullopt;
  auto* reference = static_cast<xmlSecDSigReferenceCtxPtr>(xmlSecPtrListGetItem(&context->signedInfoReferences, 0));
  if (reference == nullptr || reference->status != xmlSecDSigStatusSucceeded) return std::nullopt;
  xmlSecBufferPtr digested = xmlSecDSigReferenceCtxGetPreDigestBuffer(reference);
  if (digested == nullptr || xmlSecBufferGetData(digested) == nullptr) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(xmlSecBufferGetData(digested)), xmlSecBufferGetSize(digested));
}

bool is_like(const xmlNode* node, const xmlNode* root) {
  return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, root->name) != 0 && node->ns != nullptr &&
         root->ns != nullptr && xmlStrEqual(node->ns->href, root->ns->href) != 0;
}

// The one signature where it must stand, or null with the finding.
xmlNode* find_signature(xmlDoc* document, std::set<XmlFinding>& findings) {
  xmlNode* const root = xmlDocGetRootElement(document);
  xmlNode* found = nullptr;
  std::size_t count = 0;
  for (xmlNode* node = root; node != nullptr; node = next_in_document(node, root)) {
    if (node != root && is_like(node, root)) findings.insert(XmlFinding::wrapped);
    if (!is_element(node, k_dsig, "Signature")) continue;
    ++count;
    found = node;
  }
  if (count == 0) findings.insert(XmlFinding::no_signature);
  if (count > 1) findings.insert(XmlFinding::several_signatures);
  if (count == 1 && found->parent != root) findings.insert(XmlFinding::misplaced_signature);
  return count == 1 && found->parent == root ? found : nullptr;
}

}  // namespace

void initialise_xml() {
  static const bool good = set_up();
  if (!good) std::abort();  // the libraries are not those that we were linked with
  // libxml2 keeps this for each thread
  xmlSetStructuredErrorFunc(nullptr, reinterpret_cast<xmlStructuredErrorFunc>(ignore_libxml_error));
}

SignedXml verify_signed_xml(base::ByteView document) {
  SignedXml out;
  ParsedXml parsed = parse_xml(document);
  out.findings = std::move(parsed.findings);
  if (!parsed.document) return out;
  xmlNode* const signature = find_signature(parsed.document.get(), out.findings);
  if (signature == nullptr) return out;
  Described described = Describer(signature).describe();
  out.findings.merge(described.findings);
  auto& certificates = described.certificates;
  // in whatever order they stand: the signer is no authority, unless there is nobody else
  const auto leaf =
      std::find_if(certificates.begin(), certificates.end(), [](const std::string& der) { return !certs::is_authority(der); });
  if (leaf != certificates.end()) std::rotate(certificates.begin(), leaf, leaf + 1);
  if (!certificates.empty()) {
    out.certificate = std::move(certificates.front());
    out.more_certificates.assign(std::make_move_iterator(certificates.begin() + 1), std::make_move_iterator(certificates.end()));
  }
  if (!out.findings.empty()) return out;
  auto digested = verify(signature, out.certificate, described.is_pss);
  if (digested)
    out.digested = *std::move(digested);
  else
    out.findings.insert(XmlFinding::bad_signature);
  return out;
}

const char* name_of(XmlFinding finding) {
  switch (finding) {
    case XmlFinding::malformed: return "malformed";
    case XmlFinding::has_dtd: return "has_dtd";
    case XmlFinding::has_comments: return "has_comments";
    case XmlFinding::has_entities: return "has_entities";
    case XmlFinding::no_signature: return "no_signature";
    case XmlFinding::several_signatures: return "several_signatures";
    case XmlFinding::misplaced_signature: return "misplaced_signature";
    case XmlFinding::wrapped: return "wrapped";
    case XmlFinding::several_references: return "several_references";
    case XmlFinding::partial_reference: return "partial_reference";
    case XmlFinding::forbidden_algorithm: return "forbidden_algorithm";
    case XmlFinding::no_certificate: return "no_certificate";
    case XmlFinding::bad_certificate: return "bad_certificate";
    case XmlFinding::bad_signature: return "bad_signature";
  }
  return "malformed";
}

}  // namespace demail
