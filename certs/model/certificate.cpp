#include "certs/model/certificate.hpp"

#include <algorithm>
#include <ctime>
#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/core/digest.hpp"
#include "base/core/errors.hpp"

namespace certs {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

void add_address(std::string_view text, std::vector<std::string>& out) {
  const auto address = canonical_address(text);
  if (address && std::find(out.begin(), out.end(), *address) == out.end()) out.push_back(*address);
}

std::vector<std::string> addresses_of(const X509* x509) {
  std::vector<std::string> out;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && i < static_cast<int>(k_max_names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_EMAIL) add_address(view(name->d.rfc822Name), out);
    if (name->type == GEN_OTHERNAME && OBJ_obj2nid(name->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox &&
        ASN1_TYPE_get(name->d.otherName->value) == V_ASN1_UTF8STRING)
      add_address(view(name->d.otherName->value->value.utf8string), out);
  }
  if (X509_get_ext_by_NID(x509, NID_subject_alt_name, -1) >= 0) return out;
  const X509_NAME* subject = X509_get_subject_name(x509);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0;)
    add_address(view(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))), out);
  return out;
}

std::string text_of(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, (XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(std::min(size, 1024l))) : std::string();
}

base::Timestamp time_of(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) return {};
  using namespace std::chrono;
  const year_month_day day{year{tm.tm_year + 1900}, month{static_cast<unsigned>(tm.tm_mon + 1)}, std::chrono::day{static_cast<unsigned>(tm.tm_mday)}};
  return base::Timestamp{sys_days{day}} + hours{tm.tm_hour} + minutes{tm.tm_min} + seconds{tm.tm_sec};
}

std::string curve_of(const EVP_PKEY* key) {
  char group[64] = "";
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return "unknown";
  const std::string name(group);
  if (name == "prime256v1") return "P-256";
  if (name == "secp384r1") return "P-384";
  if (name == "secp521r1") return "P-521";
  return name;
}

void describe_key(const X509* x509, KeyInfo& info) {
  const EVP_PKEY* key = X509_get0_pubkey(x509);
  if (key == nullptr) {
    info.algorithm = "unknown";
    return;
  }
  const int type = EVP_PKEY_get_base_id(key);
  const std::string bits = std::to_string(EVP_PKEY_get_bits(key));
  if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) {
    info.algorithm = (type == EVP_PKEY_RSA ? "RSA-" : "RSA-PSS-") + bits;
    info.rsa_bits = EVP_PKEY_get_bits(key);
  } else if (type == EVP_PKEY_EC) {
    info.algorithm = "EC " + curve_of(key);
  } else {
    const char* name = EVP_PKEY_get0_type_name(key);
    info.algorithm = name == nullptr ? "unknown" : name;
  }
  const std::uint32_t usage = X509_get_key_usage(const_cast<X509*>(x509));          // all bits where the extension is missing
  const std::uint32_t extended = X509_get_extended_key_usage(const_cast<X509*>(x509));
  const bool for_mail = extended == UINT32_MAX || (extended & (XKU_SMIME | XKU_ANYEKU)) != 0;
  const bool rsa = type == EVP_PKEY_RSA, ec = type == EVP_PKEY_EC;
  info.can_encrypt = for_mail && ((rsa && (usage & KU_KEY_ENCIPHERMENT) != 0) || (ec && (usage & KU_KEY_AGREEMENT) != 0));
  info.can_sign = for_mail && (rsa || ec || type == EVP_PKEY_RSA_PSS) && (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

}  // namespace

std::optional<std::string> canonical_address(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 32 || c == 127 || c == '"' || c == '\\' || c == '(' || c == ')' || c == '<' || c == '>') return std::nullopt;
  const auto address = mail::Address::parse(text);
  if (!address) return std::nullopt;
  return address->folded();
}

Fingerprint fingerprint_of(base::ByteView der) {
  std::string hex = base::to_hex(base::view(base::sha256(der)));
  std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  return {std::move(hex)};
}

base::Result<std::string> public_key_of(base::ByteView der) {
  if (der.empty() || der.size() > k_max_certificate) return base::fail(base::k_malformed, "certificate: size");
  const unsigned char* at = base::u8(der);
  const X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  const bool whole = x509 && at == base::u8(der) + der.size();
  unsigned char* spki = nullptr;
  const int size = whole ? i2d_PUBKEY(X509_get0_pubkey(x509.get()), &spki) : 0;
  std::string out = size > 0 ? std::string(reinterpret_cast<char*>(spki), static_cast<std::size_t>(size)) : std::string();
  OPENSSL_free(spki);
  ERR_clear_error();
  if (out.empty()) return base::fail(base::k_malformed, "certificate without a readable key");
  return out;
}

bool is_authority(base::ByteView der) {
  const unsigned char* at = base::u8(der);
  const X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  const bool yes = x509 && X509_check_ca(x509.get()) == 1;
  ERR_clear_error();
  return yes;
}

bool key_belongs_to(base::ByteView pkcs8, base::ByteView der) {
  using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
  const unsigned char* at = base::u8(der);
  const X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  at = base::u8(pkcs8);
  const KeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pkcs8.size())));
  const bool yes = x509 && key && X509_check_private_key(x509.get(), key.get()) == 1;
  ERR_clear_error();
  return yes;
}

base::Result<KeyInfo> describe_certificate(base::ByteView der) {
  if (der.empty() || der.size() > k_max_certificate) return base::fail(base::k_malformed, "certificate: size");
  const unsigned char* at = base::u8(der);
  const X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  const bool whole = x509 && at == base::u8(der) + der.size();
  KeyInfo info;
  if (whole) {
    info.method = Method::smime;
    info.fingerprint = fingerprint_of(der);
    info.addresses = addresses_of(x509.get());
    info.subject = text_of(X509_get_subject_name(x509.get()));
    info.issuer = text_of(X509_get_issuer_name(x509.get()));
    info.not_before = time_of(X509_get0_notBefore(x509.get()));
    info.not_after = time_of(X509_get0_notAfter(x509.get()));
    describe_key(x509.get(), info);
  }
  ERR_clear_error();
  if (!whole) return base::fail(base::k_malformed, "not one certificate");
  return info;
}

}  // namespace certs
