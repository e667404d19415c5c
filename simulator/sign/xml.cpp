#include "simulator/sign/xml.hpp"

#include <memory>

#include <libxml/parser.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "base/core/bytes.hpp"
#include "base/core/errors.hpp"

namespace simulator {
namespace {

template <auto Free>
struct FreedXml {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using DocumentPtr = std::unique_ptr<xmlDoc, FreedXml<xmlFreeDoc>>;
using ContextPtr = std::unique_ptr<xmlSecDSigCtx, FreedXml<xmlSecDSigCtxDestroy>>;

base::Error failed(const char* what) { return base::fail(base::k_crypto_primitive, std::string("XML signature: ") + what); }

bool initialise() {
  static const bool done = [] {
    xmlInitParser();
    return xmlSecInit() >= 0 && xmlSecCryptoAppInit(nullptr) >= 0 && xmlSecCryptoInit() >= 0;
  }();
  return done;
}

xmlSecTransformId signature_method(Scheme scheme, Hash hash) {
  if (scheme == Scheme::ec_dsa)
    return hash == Hash::sha512   ? xmlSecTransformEcdsaSha512Id
           : hash == Hash::sha384 ? xmlSecTransformEcdsaSha384Id
                                  : xmlSecTransformEcdsaSha256Id;
  return hash == Hash::sha512   ? xmlSecTransformRsaSha512Id
         : hash == Hash::sha384 ? xmlSecTransformRsaSha384Id
                                : xmlSecTransformRsaSha256Id;
}

xmlSecTransformId digest_method(Hash hash) {
  return hash == Hash::sha512   ? xmlSecTransformSha512Id
         : hash == Hash::sha384 ? xmlSecTransformSha384Id
                                : xmlSecTransformSha256Id;
}

// The empty signature that xmlsec fills. `uri`: "" for all of the document but the signature.
xmlNodePtr add_template(xmlDocPtr document, Scheme scheme, Hash hash, const char* uri) {
  xmlNodePtr signature = xmlSecTmplSignatureCreateNsPref(document, xmlSecTransformExclC14NId, signature_method(scheme, hash),
                                                         nullptr, BAD_CAST "ds");
  if (signature == nullptr || xmlAddChild(xmlDocGetRootElement(document), signature) == nullptr) return nullptr;
  xmlNodePtr reference = xmlSecTmplSignatureAddReference(signature, digest_method(hash), nullptr, BAD_CAST uri, nullptr);
  if (reference == nullptr ||
      (*uri == '\0' && xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) == nullptr) ||
      xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId) == nullptr)
    return nullptr;
  xmlNodePtr key_info = xmlSecTmplSignatureEnsureKeyInfo(signature, nullptr);
  xmlNodePtr data = key_info == nullptr ? nullptr : xmlSecTmplKeyInfoAddX509Data(key_info);
  return data == nullptr || xmlSecTmplX509DataAddCertificate(data) == nullptr ? nullptr : signature;
}

xmlSecKeyPtr load_key(const Signer& signer) {
  xmlSecKeyPtr key = xmlSecCryptoAppKeyLoadMemory(base::u8(signer.key_pem), static_cast<xmlSecSize>(signer.key_pem.size()),
                                                  xmlSecKeyDataFormatPem, nullptr, nullptr, nullptr);
  if (key == nullptr) return nullptr;
  if (xmlSecCryptoAppKeyCertLoadMemory(key, base::u8(signer.certificate_pem),
                                       static_cast<xmlSecSize>(signer.certificate_pem.size()), xmlSecKeyDataFormatPem) >= 0)
    return key;
  xmlSecKeyDestroy(key);
  return nullptr;
}

DocumentPtr parse(std::string_view text) {
  return DocumentPtr(xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr, XML_PARSE_NONET));
}

base::Result<std::string> fill_and_write(xmlDocPtr document, xmlNodePtr signature, const Signer& signer) {
  const ContextPtr context(xmlSecDSigCtxCreate(nullptr));
  if (signature == nullptr || !context) return failed("template");
  context->signKey = load_key(signer);
  if (context->signKey == nullptr) return failed("key");
  if (xmlSecDSigCtxSign(context.get(), signature) < 0) return failed("sign");
  xmlChar* bytes = nullptr;
  int size = 0;
  xmlDocDumpMemoryEnc(document, &bytes, &size, "UTF-8");
  if (bytes == nullptr) return failed("write");
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  xmlFree(bytes);
  return out;
}

}  // namespace

base::Result<std::string> sign_xml(std::string_view text, const Signer& signer, Scheme scheme, Hash hash) {
  if (!initialise()) return failed("start of the library");
  const DocumentPtr document = parse(text);
  if (!document) return base::fail(base::k_malformed, "XML");
  return fill_and_write(document.get(), add_template(document.get(), scheme, hash, ""), signer);
}

base::Result<std::string> sign_wrapped_xml(std::string_view outer, std::string_view inner, const Signer& signer, Scheme scheme,
                                           Hash hash) {
  if (!initialise()) return failed("start of the library");
  const DocumentPtr document = parse(outer), good = parse(inner);
  if (!document || !good) return base::fail(base::k_malformed, "XML");
  xmlNodePtr signature = add_template(document.get(), scheme, hash, "#original");
  xmlNodePtr object = signature == nullptr ? nullptr : xmlSecTmplSignatureAddObject(signature, nullptr, nullptr, nullptr);
  xmlNodePtr element = object == nullptr ? nullptr : xmlDocCopyNode(xmlDocGetRootElement(good.get()), document.get(), 1);
  if (element == nullptr || xmlAddChild(object, element) == nullptr) return failed("template");
  xmlSetProp(element, BAD_CAST "Id", BAD_CAST "original");
  const xmlChar* ids[] = {BAD_CAST "Id", nullptr};
  xmlSecAddIDs(document.get(), element, ids);
  return fill_and_write(document.get(), signature, signer);
}

std::string escape_xml(std::string_view text) {
  const bool utf8 = base::is_utf8(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '\r')
      out += "&#13;";
    else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f || (byte >= 0x80 && !utf8))
      out += '?';
    else
      out += c;
  }
  return out;
}

}  // namespace simulator
