#include <algorithm>

#include "crypto/smime/cms_shape.hpp"
#include "crypto/smime/openssl.hpp"
#include "crypto/smime/read.hpp"

namespace crypto::smime {
namespace {

bool names(CMS_RecipientInfo* info, const Identity& identity) {
  X509* x509 = identity.certificate().x509();
  const int type = CMS_RecipientInfo_type(info);
  if (type == CMS_RECIPINFO_TRANS) return CMS_RecipientInfo_ktri_cert_cmp(info, x509) == 0;
  if (type != CMS_RECIPINFO_AGREE) return false;
  const STACK_OF(CMS_RecipientEncryptedKey)* keys = CMS_RecipientInfo_kari_get0_reks(info);
  for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); ++i)
    if (CMS_RecipientEncryptedKey_cert_cmp(sk_CMS_RecipientEncryptedKey_value(keys, i), x509) == 0) return true;
  return false;
}

IdentityPtr find_recipient(CMS_ContentInfo* cms, const std::vector<IdentityPtr>& identities) {
  const STACK_OF(CMS_RecipientInfo)* infos = CMS_get0_RecipientInfos(cms);
  for (const IdentityPtr& identity : identities)
    for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); ++i)
      if (names(sk_CMS_RecipientInfo_value(infos, i), *identity)) return identity;
  return nullptr;
}

bool is_supported(const std::string& cipher) { return cipher.starts_with("aes-") || cipher == "des-ede3-cbc"; }

// What the library does not check: a tag cut to four bytes passes, and a nonce of any length is taken.
bool is_sound(const CmsShape& shape) {
  const bool gcm = shape.cipher.ends_with("-gcm");
  if (shape.kind == CmsKind::auth_enveloped) return gcm && shape.tag_size == k_gcm_tag && shape.nonce_size == 12 && shape.has_content;
  return !gcm && shape.has_content;
}

}  // namespace

Decrypted decrypt(base::ByteView ber, const std::vector<IdentityPtr>& identities) {
  const ErrorScope errors;
  Decrypted out;
  const auto shape = parse_cms(ber);
  if (!shape || (shape->kind != CmsKind::enveloped && shape->kind != CmsKind::auth_enveloped)) return out;
  out.cipher = shape->cipher;
  out.is_authenticated = shape->kind == CmsKind::auth_enveloped;
  if (!is_supported(shape->cipher)) {
    out.outcome = Outcome::unsupported;
    return out;
  }
  if (!is_sound(*shape)) return out;
  const unsigned char* at = base::u8(ber);
  const CmsPtr cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(ber.size())));
  if (!cms || at != base::u8(ber) + ber.size()) return out;
  // matched here, because the library's own "no recipient" is a bare 0, and without the certificate it would try every key blob
  const IdentityPtr identity = find_recipient(cms.get(), identities);
  if (!identity) {
    out.outcome = Outcome::no_key;
    return out;
  }
  base::StringSink sink({ber.size()});
  sink.bytes().reserve(ber.size());
  SinkTarget target{&sink, {}};
  const BioPtr bio = make_sink_bio(target);
  // CMS_decrypt and no other way in: it holds GCM's text back until the tag is checked. A failed CBC has written garbage.
  if (CMS_decrypt(cms.get(), identity->key(), identity->certificate().x509(), nullptr, bio.get(), 0) != 1 || !target.result) {
    base::wipe(sink.bytes());
    return out;
  }
  out.outcome = Outcome::good;
  out.content = std::move(sink.bytes());
  return out;
}

}  // namespace crypto::smime
