#include "gateway/app/keys.hpp"

#include <mutex>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "gateway/config/secret.hpp"
#include "gateway/pipeline/errors.hpp"

namespace app {
namespace {

class HomeKeys : public certs::OpenPgpKeys {
 public:
  explicit HomeKeys(crypto::openpgp::HomePtr home) : m_home(std::move(home)) {}
  base::Result<std::vector<certs::KeyInfo>> list() const override { return crypto::openpgp::list_keys(*m_home); }

 private:
  crypto::openpgp::HomePtr m_home;
};

}  // namespace

class Keys::Sealer : public certs::KeySealer {
 public:
  explicit Sealer(const crypto::seal::RootKey& root) : m_key(root.derive("private keys")) {}
  base::Result<base::Bytes> seal(const std::string& name, base::ByteView plain) const override { return crypto::seal::seal(m_key, plain, name); }
  base::Result<base::SecretBytes> open(const std::string& name, base::ByteView sealed) const override {
    auto plain = crypto::seal::unseal(m_key, sealed, name);
    if (!plain) return std::move(plain).error();
    auto secret = base::SecretBytes::copy_of(*plain);
    base::wipe(*plain);
    return secret;
  }

 private:
  base::SecretBytes m_key;
};

// Parsing a certificate costs more than using it: each is parsed once for the life of the ring.
class Keys::Ring : public pipeline::KeyRing {
 public:
  Ring(const Keys& keys, config::OptionsPtr options) : m_keys(keys), m_options(std::move(options)) {}

  certs::KeyFacts recipient_key(const mail::Address& address, certs::Method method, base::Timestamp now) const override {
    return remembered({false, method, address.folded()}, now, [&] { return m_keys.m_store->find_recipient_key(address, method, now); });
  }
  certs::KeyFacts signer_key(const mail::Address& address, certs::Method method, base::Timestamp now) const override {
    return remembered({true, method, address.folded()}, now, [&] { return m_keys.signer_key(*m_options, address, method, now); });
  }

  base::Result<crypto::smime::CertificatePtr> certificate(const certs::Fingerprint& key) const override {
    const std::lock_guard lock(m_mutex);
    if (const auto it = m_certificates.find(key); it != m_certificates.end()) return it->second;
    auto entry = m_keys.m_store->find_entry(key);
    if (!entry) return base::fail(pipeline::k_key_gone, key.hex);
    auto loaded = crypto::smime::load_certificate(entry->der);
    if (!loaded) return loaded;
    if (m_certificates.size() > k_cached) m_certificates.clear();
    return m_certificates[key] = *std::move(loaded);
  }

  base::Result<crypto::smime::IdentityPtr> identity(const certs::Fingerprint& key) const override {
    const std::lock_guard lock(m_mutex);
    if (const auto it = m_identities.find(key); it != m_identities.end()) return it->second;
    auto material = m_keys.m_store->load_private(key);
    if (!material) return base::fail(pipeline::k_key_gone, key.hex + ": " + material.error().describe());
    auto loaded = crypto::smime::load_identity(material->certificate, material->chain, material->private_key);
    if (!loaded) return loaded;
    return m_identities[key] = *std::move(loaded);
  }

  crypto::openpgp::HomePtr home() const override { return m_keys.m_home; }

  crypto::OpenRequest open_request(const std::vector<mail::Address>& recipients) const override {
    crypto::OpenRequest out;
    out.home = m_keys.m_home;
    for (const mail::Address& address : recipients) {
      const config::IdentityOptions* named = m_options->identity_of(address);
      out.is_incomplete = out.is_incomplete || m_keys.m_store->may_miss_own_key(address, named != nullptr ? named->smime : std::vector<std::string>{});
      for (const certs::KeyInfo& info : m_keys.opening_keys(*m_options, address)) {
        if (info.method == certs::Method::openpgp) {
          out.openpgp.push_back(info.fingerprint);
          continue;
        }
        auto loaded = identity(info.fingerprint);
        out.is_incomplete = out.is_incomplete || !loaded;
        if (loaded) out.smime.push_back(*std::move(loaded));
      }
    }
    return out;
  }

  base::Result<certs::TrustStorePtr> trust_under(const std::vector<std::string>& anchors) const override {
    return certs::with_anchors(*m_keys.m_store->snapshot()->trust, anchors);
  }

  pipeline::SignatureJudgement judge(const crypto::Opened& opened, const std::optional<mail::Mailbox>& from, base::Timestamp now) const override {
    pipeline::SignatureJudgement out;
    if (opened.signers.empty()) return out;
    out.verdict = policies::SignatureVerdict::invalid;
    const crypto::Signer& signer = opened.signers.front();
    if (!signer.addresses.empty()) out.signer = signer.addresses.front();
    const bool doubtful = opened.findings.contains(crypto::OpenFinding::weak_digest) || opened.findings.contains(crypto::OpenFinding::both_contents) ||
                          opened.findings.contains(crypto::OpenFinding::several_signers);
    if (!signer.mathematically_valid || doubtful || opened.signers.size() != 1) return out;
    if (signer.method == certs::Method::smime)
      judge_path(signer, from, now, out);
    else
      judge_openpgp(signer, from, now, out);
    return out;
  }

 private:
  static constexpr std::size_t k_cached = 20'000;
  static constexpr std::chrono::seconds k_remember{60};

  struct Asked {
    bool own = false;
    certs::Method method = certs::Method::smime;
    std::string address;
    friend auto operator<=>(const Asked&, const Asked&) = default;
  };
  struct Answered {
    base::Timestamp at{};
    certs::KeyFacts facts;
  };

  // Judging every candidate's path costs half a millisecond, and a message asks four times. An answer holds for a minute of
  // this ring, which a change of keys replaces; what could not be told is asked again.
  template <class Find>
  certs::KeyFacts remembered(Asked asked, base::Timestamp now, Find find) const {
    {
      const std::lock_guard lock(m_mutex);
      const auto it = m_answers.find(asked);
      if (it != m_answers.end() && it->second.at <= now && now - it->second.at < k_remember) return it->second.facts;
    }
    certs::KeyFacts facts = find();
    if (facts.state == certs::Lookup::unknown) return facts;
    const std::lock_guard lock(m_mutex);
    if (m_answers.size() > k_cached) m_answers.clear();
    m_answers[std::move(asked)] = {now, facts};
    return facts;
  }

  void judge_path(const crypto::Signer& signer, const std::optional<mail::Mailbox>& from, base::Timestamp now, pipeline::SignatureJudgement& out) const {
    certs::PathQuestion question;
    question.leaf = signer.certificate;
    question.bag = signer.bag;
    question.at = now;  // a claimed time is the signer's word: it may not rescue an expired certificate
    question.purpose = certs::Purpose::sign;
    if (from) question.address = from->address;
    const auto verdict = certs::verify_path(*m_keys.m_store->snapshot()->trust, question);
    out.findings = verdict.findings;
    auto others = verdict.findings;
    const bool mismatch = others.erase(certs::Finding::address_mismatch) > 0 || others.erase(certs::Finding::no_email_in_key) > 0 || !from;
    if (certs::forbids_use(others)) return;
    out.verdict = mismatch ? policies::SignatureVerdict::other : policies::SignatureVerdict::valid;
    if (!mismatch) out.signer = from->address.folded();
  }

  // OpenPGP: the key must be one that was imported for this very address and confirmed by a person.
  void judge_openpgp(const crypto::Signer& signer, const std::optional<mail::Mailbox>& from, base::Timestamp now, pipeline::SignatureJudgement& out) const {
    if (from) {
      for (const auto& candidate : m_keys.m_store->explain(from->address, now))
        if (candidate.info.method == certs::Method::openpgp && candidate.info.fingerprint == signer.fingerprint && candidate.metadata.confirmed &&
            !candidate.info.is_revoked) {
          out.verdict = policies::SignatureVerdict::valid;
          out.signer = from->address.folded();
          return;
        }
    }
    out.verdict = policies::SignatureVerdict::other;
  }

  const Keys& m_keys;
  config::OptionsPtr m_options;
  mutable std::mutex m_mutex;
  mutable std::map<Asked, Answered> m_answers;
  mutable std::map<certs::Fingerprint, crypto::smime::CertificatePtr> m_certificates;
  mutable std::map<certs::Fingerprint, crypto::smime::IdentityPtr> m_identities;
};

Keys::~Keys() {
  if (m_home) crypto::openpgp::close_home(*m_home);
}

base::Result<std::shared_ptr<Keys>> Keys::open(const config::Options& options, std::shared_ptr<const crypto::seal::RootKey> root) {
  std::shared_ptr<Keys> out(new Keys);
  out->m_root = std::move(root);
  out->m_sealer = std::make_unique<Sealer>(*out->m_root);
  if (!options.secrets.openpgp.empty()) {
    auto passphrase = config::load_secret(options.secrets.openpgp);
    if (!passphrase) return std::move(passphrase).error();
    auto home = crypto::openpgp::open_home(options.site.state_directory / "gnupg", *std::move(passphrase), options.openpgp.program);
    if (!home) return std::move(home).error();
    out->m_home = *std::move(home);
    out->m_openpgp = std::make_unique<HomeKeys>(out->m_home);
  }
  const auto directory = options.site.state_directory / "keys";
  if (auto made = base::make_directories(directory, 0700); !made) return made.error();
  auto store = certs::KeyStore::open({directory, certs::Revocation::soft}, *out->m_sealer, out->m_openpgp.get());
  if (!store) return std::move(store).error();
  out->m_store = *std::move(store);
  return out;
}

certs::KeyFacts Keys::signer_key(const config::Options& options, const mail::Address& address, certs::Method method, base::Timestamp now) const {
  const config::IdentityOptions* identity = options.identity_of(address);
  if (identity == nullptr) return m_store->find_identity(address, method, now);
  const auto& names = method == certs::Method::smime ? identity->smime : identity->openpgp;
  if (!names.empty()) return m_store->find_named_identity(address, method, names.front(), now);
  certs::KeyFacts none;
  none.state = certs::Lookup::absent;
  return none;
}

std::vector<certs::KeyInfo> Keys::opening_keys(const config::Options& options, const mail::Address& address) const {
  const config::IdentityOptions* identity = options.identity_of(address);
  if (identity == nullptr) return m_store->identities_for(address);
  auto out = m_store->own_keys(identity->smime);
  const auto more = m_store->own_keys(identity->openpgp);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

base::Result<void> Keys::reload() { return m_store->reload(); }

pipeline::KeyRingPtr Keys::ring(config::OptionsPtr options) const { return std::make_shared<const Ring>(*this, std::move(options)); }

}  // namespace app
