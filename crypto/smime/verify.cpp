#include <algorithm>
#include <array>
#include <ctime>

#include "certs/model/certificate.hpp"
#include "crypto/smime/openssl.hpp"
#include "crypto/smime/read.hpp"

namespace crypto::smime {
namespace {

constexpr int k_max_bag = 100;

std::optional<base::Timestamp> signing_time(const CMS_SignerInfo* signer) {
  const int index = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
  if (index < 0) return std::nullopt;
  const ASN1_TYPE* value = X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(signer, index), 0);
  std::tm tm{};
  if (value == nullptr || (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME)) return std::nullopt;
  if (ASN1_TIME_to_tm(value->value.asn1_string, &tm) != 1) return std::nullopt;
  return base::Timestamp{std::chrono::seconds{::timegm(&tm)}};
}

SignatureFound check_signer(CMS_SignerInfo* signer, BIO* digests) {
  SignatureFound out;
  X509* x509 = nullptr;
  EVP_PKEY* key = nullptr;
  X509_ALGOR* digest = nullptr;
  CMS_SignerInfo_get0_algs(signer, &key, &x509, &digest, nullptr);
  if (digest != nullptr) out.digest = base::to_lower(OBJ_nid2sn(OBJ_obj2nid(digest->algorithm)));
  out.time = signing_time(signer);
  if (x509 == nullptr) return out;
  out.certificate = to_der(x509);
  out.fingerprint = certs::fingerprint_of(out.certificate);
  if (const auto info = certs::describe_certificate(out.certificate)) out.addresses = info->addresses;
  // Both: over altered content the signature of the attributes still holds, only their digest does not.
  const bool attributes = CMS_signed_get_attr_count(signer) < 0 || CMS_SignerInfo_verify(signer) == 1;
  out.is_valid = attributes && CMS_SignerInfo_verify_content(signer, digests) == 1;
  return out;
}

std::vector<std::string> bag_of(CMS_ContentInfo* cms) {
  std::vector<std::string> out;
  const CertificatesPtr certificates(CMS_get1_certs(cms));
  for (int i = 0; certificates && i < std::min(sk_X509_num(certificates.get()), k_max_bag); ++i)
    out.push_back(to_der(sk_X509_value(certificates.get(), i)));
  return out;
}

CmsPtr parse_signed(base::ByteView ber) {
  const unsigned char* at = base::u8(ber);
  CmsPtr cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(ber.size())));
  if (!cms || at != base::u8(ber) + ber.size()) return nullptr;  // bytes behind it are covered by nothing
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed) return nullptr;
  // mail is id-data; another type is a structure that happens to be signed, such as a time stamp
  const ASN1_OBJECT* type = CMS_get0_eContentType(cms.get());
  if (type == nullptr || OBJ_obj2nid(type) != NID_pkcs7_data) return nullptr;
  return cms;
}

bool has_content(CMS_ContentInfo* cms) {
  ASN1_OCTET_STRING** content = CMS_get0_content(cms);
  return content != nullptr && *content != nullptr;
}

void check_signers(CMS_ContentInfo* cms, BIO* digests, Verified& out) {
  CMS_set1_signers_certs(cms, nullptr, 0);
  const STACK_OF(CMS_SignerInfo)* signers = CMS_get0_SignerInfos(cms);
  const int count = sk_CMS_SignerInfo_num(signers);
  out.parses = count > 0 && count <= k_max_signers;
  for (int i = 0; out.parses && i < count; ++i) out.signers.push_back(check_signer(sk_CMS_SignerInfo_value(signers, i), digests));
  out.bag = bag_of(cms);
}

}  // namespace

Verified verify_detached(base::ByteView ber, base::ByteSource& content, base::Result<void>& read) {
  const ErrorScope errors;
  Verified out;
  const CmsPtr cms = parse_signed(ber);
  if (!cms) return out;
  if (has_content(cms.get())) {
    out.parses = out.has_both_contents = true;
    return out;
  }
  const BioChainPtr digests(CMS_dataInit(cms.get(), nullptr));
  if (!digests) return out;
  std::array<char, 16384> piece{};
  while (true) {
    const auto got = content.read(piece);
    if (!got) {
      read = got.error();
      return out;
    }
    if (*got == 0) break;
    std::size_t written = 0;
    if (BIO_write_ex(digests.get(), piece.data(), *got, &written) != 1 || written != *got) return out;
  }
  check_signers(cms.get(), digests.get(), out);
  return out;
}

Verified verify_opaque(base::ByteView ber) {
  const ErrorScope errors;
  Verified out;
  const CmsPtr cms = parse_signed(ber);
  if (!cms || !has_content(cms.get())) return out;
  const BioChainPtr digests(CMS_dataInit(cms.get(), nullptr));
  if (!digests) return out;
  std::array<char, 16384> piece{};
  std::size_t got = 0;
  while (BIO_read_ex(digests.get(), piece.data(), piece.size(), &got) == 1 && got > 0) out.content.append(piece.data(), got);
  check_signers(cms.get(), digests.get(), out);
  return out;
}

}  // namespace crypto::smime
