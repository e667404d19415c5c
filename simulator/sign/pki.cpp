#include "simulator/sign/pki.hpp"

#include <future>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "base/core/errors.hpp"
#include "simulator/sign/openssl.hpp"

namespace simulator {
namespace {

constexpr std::chrono::days k_lifetime{3650};
constexpr std::chrono::days k_age{1500};
constexpr int k_rsa_bits = 3072;
constexpr int k_rsa_keys = 3;  // two providers and a stranger
constexpr long k_version_3 = 2;

enum class Kind { rsa, ec };

// What a certificate says beside names and times.
struct Profile {
  std::string subject;  // common name
  const char* constraints = "critical,CA:FALSE";
  const char* usage = nullptr;
  const char* purpose = nullptr;  // extended key usage
  std::string names;              // subjectAltName
  bool is_qualified = false;
  base::Timestamp from{};
  std::chrono::days lifetime = k_lifetime;
};

bool extend(X509* x509, X509* issuer, int nid, const char* value) {
  if (value == nullptr || *value == '\0') return true;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  const bool done = extension != nullptr && X509_add_ext(x509, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return done;
}

// QcCompliance (ETSI EN 319 412-5): SEQUENCE { SEQUENCE { OID 0.4.0.1862.1.1 } }
bool add_statement(X509* x509) {
  static constexpr unsigned char k_der[] = {0x30, 0x0a, 0x30, 0x08, 0x06, 0x06, 0x04, 0x00, 0x8e, 0x46, 0x01, 0x01};
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, k_der, sizeof k_der);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, NID_qcStatements, 0, value);
  const bool done = extension != nullptr && X509_add_ext(x509, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  return done;
}

bool set_serial(X509* x509) {
  BIGNUM* number = BN_new();
  const bool done = number != nullptr && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nullptr;
  BN_free(number);
  return done;
}

// Issued by itself where there is no issuer.
base::Result<Signer> issue(const Signer* issuer, KeyPtr key, const Profile& profile) {
  const X509Ptr x509(X509_new()), above = issuer ? certificate_of(issuer->certificate_pem) : nullptr;
  const KeyPtr issuer_key = issuer ? key_of(issuer->key_pem) : nullptr;
  if (!x509 || !key || X509_set_version(x509.get(), k_version_3) != 1 || !set_serial(x509.get()))
    return crypto_error("certificate");
  X509_NAME* name = X509_get_subject_name(x509.get());
  for (const auto& [entry, value] :
       {std::pair{"C", std::string("DE")}, {"O", std::string("Amtsbote De-Mail-Simulator")}, {"CN", profile.subject}})
    if (X509_NAME_add_entry_by_txt(name, entry, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1,
                                   0) != 1)
      return crypto_error("name");
  X509* parent = above ? above.get() : x509.get();
  const std::time_t start = std::chrono::floor<std::chrono::seconds>(profile.from).time_since_epoch().count();
  const std::time_t end = start + std::chrono::seconds(profile.lifetime).count();
  if (X509_set_issuer_name(x509.get(), X509_get_subject_name(parent)) != 1 || X509_set_pubkey(x509.get(), key.get()) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(x509.get()), start) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(x509.get()), end) == nullptr)
    return crypto_error("certificate");
  if (!extend(x509.get(), parent, NID_basic_constraints, profile.constraints) ||
      !extend(x509.get(), parent, NID_key_usage, profile.usage) ||
      !extend(x509.get(), parent, NID_ext_key_usage, profile.purpose) ||
      !extend(x509.get(), parent, NID_subject_key_identifier, "hash") ||
      !extend(x509.get(), parent, NID_authority_key_identifier, "keyid:always") ||
      !extend(x509.get(), parent, NID_subject_alt_name, profile.names.c_str()) ||
      (profile.is_qualified && !add_statement(x509.get())))
    return crypto_error("extensions");
  if (X509_sign(x509.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) == 0) return crypto_error("signature");
  return Signer{pem_of(x509.get()), der_of(x509.get()), pem_of(key.get())};
}

class Office {
 public:
  Office(base::fs::path directory, base::Timestamp now) : m_directory(std::move(directory)), m_now(now) {}

  // From its files, or new and written. `like`: with the key of that one.
  base::Result<Signer> get(const std::string& name, const Signer* issuer, Kind kind, Profile profile,
                           const Signer* like = nullptr) {
    const base::fs::path certificate = m_directory / (name + ".pem"), key = m_directory / (name + ".key");
    if (base::fs::exists(certificate) && base::fs::exists(key)) return load(certificate, key);
    if (profile.from == base::Timestamp{}) profile.from = m_now - std::chrono::hours(1);
    auto made = issue(issuer,
                      like                ? key_of(like->key_pem)
                      : kind == Kind::rsa ? take_rsa_key()
                                          : KeyPtr(EVP_EC_gen("P-256")),
                      profile);
    if (!made) return made;
    auto written = base::write_file_durably(key, made->key_pem, 0600);
    if (written) written = base::write_file_durably(certificate, made->certificate_pem);
    if (!written) return written.error();
    return made;
  }
  base::Result<Signer> root(const std::string& name, const std::string& subject) {
    Profile profile;
    profile.subject = subject;
    profile.constraints = "critical,CA:TRUE";
    profile.usage = "critical,keyCertSign,cRLSign";
    profile.from = m_now - k_age;  // older than all that it ever signed
    profile.lifetime = k_lifetime + k_age;
    return get(name, nullptr, Kind::ec, profile);
  }
  base::Timestamp now() const { return m_now; }

 private:
  static base::Result<Signer> load(const base::fs::path& certificate, const base::fs::path& key) {
    Signer out;
    for (const auto& [path, into] : {std::pair{certificate, &out.certificate_pem}, {key, &out.key_pem}}) {
      auto text = base::read_file(path, base::kib(64));
      if (!text) return text.error();
      *into = *std::move(text);
    }
    const X509Ptr x509 = certificate_of(out.certificate_pem);
    if (!x509) return base::fail(base::k_malformed, certificate.string());
    out.certificate_der = der_of(x509.get());
    return out;
  }

  // They take their time: all that a new directory needs are made at once.
  KeyPtr take_rsa_key() {
    if (m_rsa_keys.empty())
      for (int i = 0; i < k_rsa_keys; ++i)
        m_rsa_keys.push_back(std::async(std::launch::async, [] { return KeyPtr(EVP_RSA_gen(k_rsa_bits)); }));
    KeyPtr out = m_rsa_keys.back().get();
    m_rsa_keys.pop_back();
    return out;
  }

  base::fs::path m_directory;
  base::Timestamp m_now;
  std::vector<std::future<KeyPtr>> m_rsa_keys;
};

struct Roots {
  Signer good, foreign;
};

// One certificate of a provider's signature; the expired one has the key of the good one, the foreign one its name and, where
// there is one, the key of `like`.
base::Result<void> add_signers(Office& office, Side side, Kind kind, const Roots& roots, const Signer* like, ProviderKeys& out) {
  const std::string word = kind == Kind::rsa ? "rsa" : "ec", prefix = std::string(name_of(side)) + "-";
  Profile profile;
  profile.subject = provider_of(side).name + " Signatur (" + word + ")";
  profile.usage = "critical,nonRepudiation";
  profile.is_qualified = true;
  auto& signers = kind == Kind::rsa ? out.rsa : out.ec;
  auto good = office.get(prefix + "sign-" + word, &roots.good, kind, profile);
  if (!good) return good.error();
  signers.at(0) = *std::move(good);
  Profile old = profile;
  old.from = office.now() - std::chrono::days(800);
  old.lifetime = std::chrono::days(730);
  auto expired = office.get(prefix + "expired-" + word, &roots.good, kind, old, &signers.at(0));
  if (!expired) return expired.error();
  signers.at(1) = *std::move(expired);
  auto stranger = office.get(prefix + "foreign-" + word, &roots.foreign, kind, profile, like);
  if (!stranger) return stranger.error();
  signers.at(2) = *std::move(stranger);
  return base::Done{};
}

base::Result<void> add_tls(Office& office, Side side, const Signer& root, ProviderKeys& out) {
  const std::string prefix = std::string(name_of(side)) + "-";
  Profile server;
  server.subject = provider_of(side).hostname;
  server.usage = "critical,digitalSignature";
  server.purpose = "serverAuth";
  server.names = "DNS:" + provider_of(side).hostname + ",DNS:localhost,IP:127.0.0.1,IP:::1";
  auto tls = office.get(prefix + "tls", &root, Kind::ec, server);
  if (!tls) return tls.error();
  out.tls = *std::move(tls);
  Profile client = server;
  client.purpose = "clientAuth";
  client.names = "DNS:" + provider_of(side).hostname;
  auto push = office.get(prefix + "push", &root, Kind::ec, client);
  if (!push) return push.error();
  out.push = *std::move(push);
  return base::Done{};
}

}  // namespace

base::Result<Pki> open_pki(const base::fs::path& directory, const std::vector<Account>& accounts, base::Timestamp now) {
  const auto made = base::make_directories(directory, 0755);
  if (!made) return made.error();
  Office office(directory, now);
  const auto tls = office.root("tls-root", "Simulator TLS-CA");
  if (!tls) return tls.error();
  const auto signature = office.root("signature-root", "Simulator Signatur-CA");
  if (!signature) return signature.error();
  // the name of the one above: only the keys tell them apart
  const auto foreign = office.root("foreign-root", "Simulator Signatur-CA");
  if (!foreign) return foreign.error();
  const Roots roots{*signature, *foreign};
  Pki out;
  out.directory = directory;
  for (const Side side : k_sides) {
    ProviderKeys& keys = out.providers.at(static_cast<std::size_t>(side));
    auto done = add_tls(office, side, *tls, keys);
    for (const Kind kind : {Kind::rsa, Kind::ec})
      if (done) {
        const auto& first = kind == Kind::rsa ? out.providers[0].rsa[2] : out.providers[0].ec[2];
        done = add_signers(office, side, kind, roots, side == Side::a ? nullptr : &first, keys);
      }
    if (!done) return done.error();
  }
  for (const Account& account : accounts) {
    Profile profile;
    profile.subject = account.name;
    profile.usage = "critical,digitalSignature";
    profile.purpose = "clientAuth";
    const auto client = office.get("client-" + account.name, &*tls, Kind::ec, profile);
    if (!client) return client.error();
  }
  return out;
}

}  // namespace simulator
