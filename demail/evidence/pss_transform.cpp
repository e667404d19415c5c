#include "demail/evidence/pss_transform.hpp"

#include <xmlsec/crypto.h>
#include <xmlsec/keys.h>

namespace demail {
namespace {

base::HashAlgorithm algorithm_of(const xmlSecTransform* transform) {
  for (const base::HashAlgorithm algorithm : {base::HashAlgorithm::sha384, base::HashAlgorithm::sha512})
    if (transform->id == pss_transform(algorithm)) return algorithm;
  return base::HashAlgorithm::sha256;
}

// The library insists on a key; any will do, since none is used.
int set_key_requirements(xmlSecTransformPtr, xmlSecKeyReqPtr requirements) {
  requirements->keyId = xmlSecKeyDataHmacId;
  requirements->keyType = xmlSecKeyDataTypeSymmetric;
  requirements->keyUsage = xmlSecKeyUsageVerify;
  return 0;
}
int set_key(xmlSecTransformPtr, xmlSecKeyPtr) { return 0; }

int execute(xmlSecTransformPtr transform, int last, xmlSecTransformCtxPtr context) {
  if (transform->operation != xmlSecTransformOperationVerify || context->userData == nullptr) return -1;
  if (transform->status == xmlSecTransformStatusNone) transform->status = xmlSecTransformStatusWorking;
  if (transform->status != xmlSecTransformStatusWorking) return 0;
  const xmlSecSize size = xmlSecBufferGetSize(&transform->inBuf);
  auto* verification = static_cast<PssVerification*>(context->userData);
  verification->signed_info.append(reinterpret_cast<const char*>(xmlSecBufferGetData(&transform->inBuf)), size);
  if (last != 0) transform->status = xmlSecTransformStatusFinished;
  return xmlSecBufferRemoveHead(&transform->inBuf, size);
}

int verify(xmlSecTransformPtr transform, const xmlSecByte* data, xmlSecSize size, xmlSecTransformCtxPtr context) {
  if (transform->operation != xmlSecTransformOperationVerify || transform->status != xmlSecTransformStatusFinished ||
      context->userData == nullptr)
    return -1;
  const auto* verification = static_cast<const PssVerification*>(context->userData);
  const bool good = base::verify_signature(verification->public_key, base::SignatureScheme::rsa_pss, algorithm_of(transform),
                                           verification->signed_info, {reinterpret_cast<const char*>(data), size});
  transform->status = good ? xmlSecTransformStatusOk : xmlSecTransformStatusFail;
  return 0;
}

_xmlSecTransformKlass klass(const char* name, const char* uri) {
  _xmlSecTransformKlass out{};
  out.klassSize = sizeof(xmlSecTransformKlass);
  out.objSize = sizeof(xmlSecTransform);
  out.name = reinterpret_cast<const xmlChar*>(name);
  out.href = reinterpret_cast<const xmlChar*>(uri);
  out.usage = xmlSecTransformUsageSignatureMethod;
  out.setKeyReq = set_key_requirements;
  out.setKey = set_key;
  out.verify = verify;
  out.getDataType = xmlSecTransformDefaultGetDataType;
  out.pushBin = xmlSecTransformDefaultPushBin;
  out.popBin = xmlSecTransformDefaultPopBin;
  out.execute = execute;
  return out;
}

}  // namespace

xmlSecTransformId pss_transform(base::HashAlgorithm algorithm) {
  static const _xmlSecTransformKlass sha256 = klass("sha256-rsa-mgf1", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
                                     sha384 = klass("sha384-rsa-mgf1", "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"),
                                     sha512 = klass("sha512-rsa-mgf1", "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1");
  const _xmlSecTransformKlass& chosen = algorithm == base::HashAlgorithm::sha512   ? sha512
                                        : algorithm == base::HashAlgorithm::sha384 ? sha384
                                                                                   : sha256;
  return &chosen;
}

}  // namespace demail
