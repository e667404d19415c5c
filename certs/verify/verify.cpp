#include "certs/verify/verify.hpp"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "certs/model/certificate.hpp"

namespace certs {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
inline void free_stack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }

using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using StackPtr = std::unique_ptr<STACK_OF(X509), Freed<free_stack>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;

X509Ptr parse(base::ByteView der) {
  if (der.empty() || der.size() > k_max_certificate) return nullptr;
  const unsigned char* at = base::u8(der);
  X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 && at != base::u8(der) + der.size()) return nullptr;
  return x509;
}

// Gives the certificate to the stack.
bool push(STACK_OF(X509) * stack, X509Ptr x509) {
  if (!x509 || sk_X509_push(stack, x509.get()) <= 0) return false;
  (void)x509.release();
  return true;
}

template <class Act>
void for_each_crl(X509_STORE* store, const Act& act) {
  X509_STORE_lock(store);
  STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i)
    if (X509_CRL* crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i))) act(crl);
  X509_STORE_unlock(store);
}

struct Collected {
  std::set<Finding>* findings;
  Revocation revocation;
};

int collected_index() {
  static const int index = X509_STORE_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::optional<Finding> revocation_finding(Revocation policy) {
  if (policy == Revocation::hard) return Finding::revocation_unknown;
  return std::nullopt;
}

std::optional<Finding> finding_of(int error, int depth, Revocation policy) {
  switch (error) {
    case X509_V_OK: return std::nullopt;
    case X509_V_ERR_CERT_NOT_YET_VALID: return Finding::not_yet_valid;
    case X509_V_ERR_CERT_HAS_EXPIRED: return Finding::expired;
    case X509_V_ERR_CERT_REVOKED: return Finding::revoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE: return revocation_finding(policy);
    // the purpose of the leaf is judged by our own rule: the library knows no encryption with EC keys
    case X509_V_ERR_INVALID_PURPOSE: return depth == 0 ? std::nullopt : std::optional(Finding::wrong_purpose);
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return Finding::bad_signature;
    case X509_V_ERR_CA_MD_TOO_WEAK: return Finding::weak_algorithm;
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_EE_KEY_TOO_SMALL: return Finding::weak_key;
    default: return Finding::no_chain;
  }
}

// Goes on after each error, so that the verdict names all of them; the return value of X509_verify_cert says nothing then.
int collect(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  const auto* collected = static_cast<const Collected*>(X509_STORE_CTX_get_ex_data(context, collected_index()));
  const auto finding = finding_of(X509_STORE_CTX_get_error(context), X509_STORE_CTX_get_error_depth(context), collected->revocation);
  if (finding) collected->findings->insert(*finding);
  return 1;
}

bool set_parameters(X509_STORE_CTX* context, const PathQuestion& question) {
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(param, std::chrono::floor<std::chrono::seconds>(question.at).time_since_epoch().count());
  X509_VERIFY_PARAM_set_depth(param, k_max_path);
  // 112 bits of security: no SHA-1 or MD5 below the anchor, no RSA below 2048
  X509_VERIFY_PARAM_set_auth_level(param, 2);
  // Everything in the store was trusted by hand, so a path may end at any of it, also at a single certificate.
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT;
  if (question.revocation != Revocation::none) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  if (X509_VERIFY_PARAM_set_flags(param, flags) != 1) return false;
  return question.purpose == Purpose::attest || X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SMIME_SIGN) == 1;
}

using UsagesPtr = std::unique_ptr<EXTENDED_KEY_USAGE, Freed<EXTENDED_KEY_USAGE_free>>;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;

bool may_attest(X509* leaf) {
  if ((X509_get_key_usage(leaf) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0) return false;
  int place = 0;
  const UsagesPtr usages(static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(leaf, NID_ext_key_usage, &place, nullptr)));
  if (!usages) return place == -1;  // the only value that means "there is none"
  const ObjectPtr document_signing(OBJ_txt2obj("1.3.6.1.5.5.7.3.36", 1));
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    const ASN1_OBJECT* usage = sk_ASN1_OBJECT_value(usages.get(), i);
    const int nid = OBJ_obj2nid(usage);
    if (nid == NID_email_protect || nid == NID_anyExtendedKeyUsage || OBJ_cmp(usage, document_signing.get()) == 0) return true;
  }
  return false;
}

// What the certificate itself says, whoever issued it.
void judge_leaf(const PathQuestion& question, X509* leaf, const KeyInfo& info, std::set<Finding>& findings) {
  const bool encrypt = question.purpose == Purpose::encrypt;
  const bool rsa = info.algorithm.starts_with("RSA-") && !info.algorithm.starts_with("RSA-PSS-");
  const bool ec = info.algorithm.starts_with("EC ");
  const bool pss = info.algorithm.starts_with("RSA-PSS-");
  if (!(rsa || ec || (pss && !encrypt))) {
    findings.insert(Finding::unsupported_key);
  } else if (!(encrypt ? info.can_encrypt : question.purpose == Purpose::attest ? may_attest(leaf) : info.can_sign)) {
    findings.insert(Finding::wrong_purpose);
  }
  if (info.rsa_bits > 0 && info.rsa_bits < 2048) findings.insert(Finding::weak_key);
  if (info.rsa_bits >= 2048 && info.rsa_bits < 3000) findings.insert(Finding::rsa_below_3000);
  if (encrypt && ec) findings.insert(Finding::classical_key_agreement);
  if (!question.address) return;
  const auto& known = info.addresses;
  if (known.empty())
    findings.insert(Finding::no_email_in_key);
  else if (std::find(known.begin(), known.end(), question.address->folded()) == known.end())
    findings.insert(Finding::address_mismatch);
}

std::string der_of(const X509* x509) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509, &der);
  std::string out = size > 0 ? std::string(reinterpret_cast<char*>(der), static_cast<std::size_t>(size)) : std::string();
  OPENSSL_free(der);
  return out;
}

}  // namespace

class TrustStore {
 public:
  StorePtr store{X509_STORE_new()};
  StackPtr intermediates{sk_X509_new_null()};
};

base::Result<TrustStorePtr> make_trust_store(const TrustMaterial& material) {
  auto out = std::make_shared<TrustStore>();
  for (const std::string& der : material.anchors) {
    const X509Ptr anchor = parse(der);
    if (!anchor || X509_STORE_add_cert(out->store.get(), anchor.get()) != 1) return base::fail(k_bad_certificate, "anchor");
  }
  for (const std::string& der : material.intermediates)
    if (!push(out->intermediates.get(), parse(der))) return base::fail(k_bad_certificate, "intermediate");
  for (const std::string& der : material.crls) {
    const unsigned char* at = base::u8(der);
    const CrlPtr crl(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
    if (!crl || X509_STORE_add_crl(out->store.get(), crl.get()) != 1) return base::fail(k_bad_certificate, "CRL");
  }
  ERR_clear_error();
  return TrustStorePtr(std::move(out));
}

base::Result<TrustStorePtr> with_anchors(const TrustStore& lists, const std::vector<std::string>& anchors) {
  auto out = std::make_shared<TrustStore>();
  for (const std::string& der : anchors) {
    const X509Ptr anchor = parse(der);
    if (!anchor || X509_STORE_add_cert(out->store.get(), anchor.get()) != 1) return base::fail(k_bad_certificate, "anchor");
  }
  for_each_crl(lists.store.get(), [&](X509_CRL* crl) { X509_STORE_add_crl(out->store.get(), crl); });
  ERR_clear_error();
  return TrustStorePtr(std::move(out));
}

std::vector<std::string> crls_about(const TrustStore& store, const std::vector<std::string>& chain) {
  std::vector<std::string> out;
  for_each_crl(store.store.get(), [&](X509_CRL* crl) {
    const bool is_meant = std::any_of(chain.begin(), chain.end(), [&](const std::string& der) {
      const X509Ptr certificate = parse(der);
      return certificate && X509_NAME_cmp(X509_get_issuer_name(certificate.get()), X509_CRL_get_issuer(crl)) == 0;
    });
    const int size = i2d_X509_CRL(crl, nullptr);
    if (!is_meant || size <= 0 || static_cast<std::size_t>(size) > k_max_kept_crl) return;
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* at = reinterpret_cast<unsigned char*>(der.data());
    if (i2d_X509_CRL(crl, &at) == size) out.push_back(std::move(der));
  });
  return out;
}

PathVerdict verify_path(const TrustStore& store, const PathQuestion& question) {
  PathVerdict out;
  auto info = describe_certificate(question.leaf);
  const X509Ptr leaf = parse(question.leaf);
  const StackPtr untrusted(sk_X509_new_null());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!info || !leaf || !untrusted || !context || question.bag.size() > k_max_bag) {
    out.findings.insert(Finding::malformed);
    return out;
  }
  out.info = std::move(*info);
  for (int i = 0; i < sk_X509_num(store.intermediates.get()); ++i) {
    X509* shared = sk_X509_value(store.intermediates.get(), i);
    X509_up_ref(shared);
    push(untrusted.get(), X509Ptr(shared));
  }
  for (const std::string& der : question.bag) push(untrusted.get(), parse(der));  // what does not parse is no hint
  Collected collected{&out.findings, question.revocation};
  if (X509_STORE_CTX_init(context.get(), store.store.get(), leaf.get(), untrusted.get()) != 1 || !set_parameters(context.get(), question) ||
      X509_STORE_CTX_set_ex_data(context.get(), collected_index(), &collected) != 1) {
    out.findings.insert(Finding::malformed);
    return out;
  }
  X509_STORE_CTX_set_verify_cb(context.get(), collect);
  // a failure without a callback (memory, an internal error) leaves no finding behind: it forbids all the same
  if (X509_verify_cert(context.get()) != 1) out.findings.insert(Finding::no_chain);
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) out.chain.push_back(der_of(sk_X509_value(chain, i)));
  judge_leaf(question, leaf.get(), out.info, out.findings);
  if (out.findings.contains(Finding::revoked)) out.info.is_revoked = true;
  ERR_clear_error();
  return out;
}

}  // namespace certs
