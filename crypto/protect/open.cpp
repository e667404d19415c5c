#include "crypto/protect/open.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "crypto/openpgp/operate.hpp"
#include "crypto/protect/errors.hpp"
#include "crypto/protect/layer.hpp"
#include "crypto/smime/cms_shape.hpp"
#include "crypto/smime/read.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"

namespace crypto {
namespace {

using base::Result;
using mail::Wrapping;

constexpr base::ByteCount k_max_signature = base::mib(1);
constexpr base::ByteCount k_max_opened_size = base::mib(100);  // a decrypted message may not be larger

enum class Step { done, again };  // again: another layer may lie inside

bool is_weak(const std::string& digest) { return digest == "sha1" || digest == "md5" || digest == "md2" || digest == "md4" || digest == "ripemd160"; }

// Unwraps one message, layer by layer. Holds the layer at hand; m_out.content is always something that can be delivered.
class Opener {
 public:
  Opener(const base::ContentPtr& message, const mail::MessageFacts& facts, const OpenRequest& request, const std::vector<std::string>& own_fields)
      : m_facts(facts), m_request(request), m_own_fields(own_fields) {
    m_out.content = message;
  }

  Result<Opened> run() {
    while (true) {
      auto step = open_layer();
      if (!step) return std::move(step).error();
      if (*step == Step::done) break;
    }
    conclude();
    return std::move(m_out);
  }

 private:
  Result<Step> open_layer() {
    const Wrapping wrapping = wrapping_of_root(m_facts);
    if (wrapping == Wrapping::none || wrapping == Wrapping::signed_other || wrapping == Wrapping::smime_certs_only) return Step::done;
    if (m_out.layers.size() >= k_max_layers) return give_up(OpenFinding::too_many_layers, mail::is_encrypted(wrapping));
    if (m_out.content->size() > k_max_open_size) return give_up(OpenFinding::too_large, mail::is_encrypted(wrapping));
    switch (wrapping) {
      case Wrapping::smime_compressed: return give_up(OpenFinding::compressed, false);
      case Wrapping::smime_signed: return verify_smime();
      case Wrapping::pgp_signed: return verify_openpgp();
      case Wrapping::pgp_encrypted: return decrypt_openpgp();
      default: return open_cms();  // its own bytes say what it is, not smime-type
    }
  }

  Step give_up(OpenFinding finding, bool encrypted) {
    m_out.findings.insert(finding);
    if (encrypted) {
      m_out.was_encrypted = true;
      m_failed = true;
    }
    return Step::done;
  }

  // Takes the inside of a layer as the message at hand. Without authentication the inside must at least begin like MIME: the
  // garbage of a damaged CBC, which now and then passes the padding check, does not.
  bool enter(const std::string& entity, bool is_authenticated) {
    auto inner = unwrap(m_facts, with_crlf(entity), m_own_fields);
    if (!inner.entity_has_header && !is_authenticated) return false;
    m_facts = mail::inspect(inner.message);
    m_out.content = base::make_content(std::move(inner.message));
    return true;
  }

  // --- S/MIME ---

  Result<Step> open_cms() {
    const bool says_encrypted = wrapping_of_root(m_facts) == Wrapping::smime_encrypted;
    auto ber = decoded_body(m_out.content, m_facts.parts.front(), k_max_open_size);
    if (!ber && ber.error().code != k_not_protected) return std::move(ber).error();
    const auto shape = ber ? smime::parse_cms(*ber) : Result<smime::CmsShape>(ber.error());
    if (!shape) return give_up(OpenFinding::damaged, says_encrypted);
    switch (shape->kind) {
      case smime::CmsKind::enveloped:
      case smime::CmsKind::auth_enveloped: return decrypt_smime(*ber);
      case smime::CmsKind::signed_data: return shape->has_content ? verify_opaque(*ber) : Step::done;  // else certificates only
      case smime::CmsKind::compressed: return give_up(OpenFinding::compressed, false);
      default: return give_up(OpenFinding::unsupported, false);
    }
  }

  Result<Step> decrypt_smime(const std::string& ber) {
    m_out.was_encrypted = true;
    smime::Decrypted decrypted = smime::decrypt(ber, m_request.smime);
    m_out.cipher = decrypted.cipher;
    if (decrypted.cipher == "des-ede3-cbc" || decrypted.cipher == "rc2-cbc") m_out.findings.insert(OpenFinding::weak_cipher);
    switch (decrypted.outcome) {
      case smime::Outcome::no_key:
        // unknown is temporary: delivered unopened, it could not be opened later
        if (m_request.is_incomplete) return base::fail(k_engine, "a private key of ours could not be read");
        return give_up(OpenFinding::no_recipient_key, true);
      case smime::Outcome::unsupported: return give_up(OpenFinding::unsupported, true);
      case smime::Outcome::damaged: return give_up(OpenFinding::damaged, true);
      case smime::Outcome::good: break;
    }
    if (!enter(decrypted.content, decrypted.is_authenticated)) return give_up(OpenFinding::damaged, true);
    m_unauthenticated = m_unauthenticated || !decrypted.is_authenticated;
    m_out.layers.emplace_back("smime-encrypted");
    return Step::again;
  }

  Step verify_opaque(const std::string& ber) {
    smime::Verified verified = smime::verify_opaque(ber);
    take(verified);
    if (!verified.parses || !enter(verified.content, true)) return give_up(OpenFinding::damaged, false);
    m_out.layers.emplace_back("smime-signed");
    return Step::again;
  }

  void take(smime::Verified& verified) {
    m_out.signers.clear();
    for (smime::SignatureFound& found : verified.signers) {
      if (found.certificate.empty()) m_out.findings.insert(OpenFinding::unknown_signer);
      if (is_weak(found.digest)) m_out.findings.insert(OpenFinding::weak_digest);
      m_out.signers.push_back({certs::Method::smime, found.is_valid, std::move(found.fingerprint), std::move(found.certificate), verified.bag,
                               std::move(found.addresses), found.time, std::move(found.digest)});
    }
    if (verified.has_both_contents) m_out.findings.insert(OpenFinding::both_contents);
  }

  Result<Step> verify_smime() {
    const auto children = children_of_root(m_facts);
    if (!is_signed_pair(children, {"application/pkcs7-signature", "application/x-pkcs7-signature"})) return give_up(OpenFinding::damaged, false);
    auto der = decoded_body(m_out.content, *children[1], k_max_signature);
    if (!der && der.error().code != k_not_protected && der.error().code != base::k_too_large) return std::move(der).error();
    auto source = signed_part(*children[0])->open();
    if (!source) return std::move(source).error();
    base::Result<void> read;
    smime::Verified verified = der ? smime::verify_detached(*der, **source, read) : smime::Verified{};
    if (!read) return read.error();
    if (!verified.parses) m_out.findings.insert(OpenFinding::damaged);
    take(verified);
    return after_signed("smime-signed", *children[0]);
  }

  // --- OpenPGP ---

  void take(std::vector<openpgp::SignatureFound>& found) {
    m_out.signers.clear();
    for (openpgp::SignatureFound& signature : found) {
      if (!signature.is_known) m_out.findings.insert(OpenFinding::unknown_signer);
      if (is_weak(signature.digest)) m_out.findings.insert(OpenFinding::weak_digest);
      m_out.signers.push_back({certs::Method::openpgp, signature.is_valid, std::move(signature.fingerprint), {}, {}, std::move(signature.addresses),
                               signature.time, std::move(signature.digest)});
    }
  }

  Result<Step> verify_openpgp() {
    if (!m_request.home) return give_up(OpenFinding::unsupported, false);
    const auto children = children_of_root(m_facts);
    if (!is_signed_pair(children, {"application/pgp-signature"})) return give_up(OpenFinding::damaged, false);
    auto block = decoded_body(m_out.content, *children[1], k_max_signature);
    if (!block && block.error().code != k_not_protected && block.error().code != base::k_too_large) return std::move(block).error();
    auto source = signed_part(*children[0])->open();
    if (!source) return std::move(source).error();
    auto found = block ? openpgp::verify_detached(*m_request.home, *block, **source) : Result<std::vector<openpgp::SignatureFound>>(std::vector<openpgp::SignatureFound>{});
    if (!found) return std::move(found).error();
    if (found->empty()) m_out.findings.insert(OpenFinding::damaged);
    take(*found);
    return after_signed("openpgp-signed", *children[0]);
  }

  Result<Step> decrypt_openpgp() {
    m_out.was_encrypted = true;
    if (!m_request.home) return give_up(OpenFinding::unsupported, true);
    const auto children = children_of_root(m_facts);
    if (children.size() != 2 || children[0]->type != "application/pgp-encrypted") return give_up(OpenFinding::damaged, true);
    auto armour = decoded_body(m_out.content, *children[1], k_max_open_size);
    if (!armour) return armour.error().code == k_not_protected ? Result<Step>(give_up(OpenFinding::damaged, true)) : Result<Step>(armour.error());
    const auto content = base::make_content(std::move(*armour));
    base::StringSink sink(k_max_opened_size);
    auto decrypted = openpgp::decrypt(*m_request.home, m_request.openpgp, *content, sink, k_max_opened_size);
    if (!decrypted) return std::move(decrypted).error();
    switch (decrypted->outcome) {
      case openpgp::Outcome::no_key: return give_up(OpenFinding::no_recipient_key, true);
      case openpgp::Outcome::too_large: return give_up(OpenFinding::too_large, true);
      case openpgp::Outcome::damaged: return give_up(OpenFinding::damaged, true);
      case openpgp::Outcome::good: break;
    }
    m_out.cipher = base::to_lower(decrypted->cipher);
    if (!m_out.cipher.starts_with("aes") && !m_out.cipher.starts_with("camellia") && !m_out.cipher.starts_with("twofish"))
      m_out.findings.insert(OpenFinding::weak_cipher);
    take(decrypted->signatures);
    if (!enter(sink.bytes(), true)) return give_up(OpenFinding::damaged, true);
    m_out.layers.emplace_back("openpgp-encrypted");
    if (!m_out.signers.empty()) m_out.layers.emplace_back("openpgp-signed");
    return Step::again;
  }

  // --- signed as a whole ---

  static bool is_signed_pair(const std::vector<const mail::Part*>& children, const std::vector<std::string>& types) {
    return children.size() == 2 && std::find(types.begin(), types.end(), children[1]->type) != types.end();
  }

  base::ContentPtr signed_part(const mail::Part& part) const { return mail::slice(m_out.content, part.header_begin, part.body_end); }

  // The signed part stays as it is. Only where it is nothing but an encrypted object (triple wrapping, RFC 2634 section 1.1)
  // does the message go on inside.
  Result<Step> after_signed(const char* layer, const mail::Part& part) {
    m_out.layers.emplace_back(layer);
    auto header = base::read_all(*mail::slice(m_out.content, part.header_begin, part.body_begin), {mail::k_max_part_header_bytes + 4});
    if (!header) return header.error().code == base::k_too_large ? Result<Step>(Step::done) : Result<Step>(header.error());
    const auto inner = mail::inspect(*header);
    for (const std::string& name : m_own_fields)
      if (inner.header.count(name) > 0) m_out.findings.insert(OpenFinding::forged_mark);
    if (part.type == "message/rfc822") check_embedded(part);
    if (!mail::is_encrypted(inner.wrapping)) return Step::done;
    auto entity = base::read_all(*signed_part(part), k_max_open_size);
    if (!entity) return std::move(entity).error();
    if (!enter(*entity, true)) return give_up(OpenFinding::damaged, true);
    return Step::again;
  }

  // A whole message below the signature has a header that mail programs show like the outer one.
  void check_embedded(const mail::Part& embedded) {
    const auto index = static_cast<std::size_t>(&embedded - m_facts.parts.data());
    for (const mail::Part& part : m_facts.parts) {
      if (part.parent != index || part.body_begin <= part.header_begin) continue;
      const auto header = base::read_all(*mail::slice(m_out.content, part.header_begin, part.body_begin), {mail::k_max_part_header_bytes + 4});
      if (!header) continue;
      const auto facts = mail::inspect(*header);
      for (const std::string& name : m_own_fields)
        if (facts.header.count(name) > 0) m_out.findings.insert(OpenFinding::forged_mark);
    }
  }

  // --- the whole ---

  // Something signed or encrypted below an unsigned root covers its own part only: it is no signature of the message.
  bool has_protected_part() const {
    static const std::vector<std::string> types = {"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"};
    const bool root_is_signed = mail::is_signed(wrapping_of_root(m_facts));
    for (std::size_t i = 1; i < m_facts.parts.size(); ++i) {
      const mail::Part& part = m_facts.parts[i];
      if (std::find(types.begin(), types.end(), part.type) != types.end()) return true;
      if (!root_is_signed && base::to_lower(part.filename).ends_with(".p7m")) return true;
    }
    return false;
  }

  void conclude() {
    m_out.opened = m_out.was_encrypted && !m_failed;
    const bool signed_well = std::any_of(m_out.signers.begin(), m_out.signers.end(), [](const Signer& s) { return s.mathematically_valid; });
    if (m_unauthenticated && !signed_well) m_out.findings.insert(OpenFinding::not_authenticated);
    if (m_out.signers.size() > 1) m_out.findings.insert(OpenFinding::several_signers);
    if (!m_failed && has_protected_part()) m_out.findings.insert(OpenFinding::partly_protected);
  }

  Opened m_out;
  mail::MessageFacts m_facts;
  const OpenRequest& m_request;
  const std::vector<std::string>& m_own_fields;
  bool m_failed = false;           // an encrypted layer was not opened
  bool m_unauthenticated = false;  // a layer was CBC
};

}  // namespace

const char* name_of(OpenFinding finding) {
  switch (finding) {
    case OpenFinding::weak_cipher: return "weak_cipher";
    case OpenFinding::weak_digest: return "weak_digest";
    case OpenFinding::not_authenticated: return "not_authenticated";
    case OpenFinding::forged_mark: return "forged_mark";
    case OpenFinding::no_recipient_key: return "no_recipient_key";
    case OpenFinding::damaged: return "damaged";
    case OpenFinding::too_large: return "too_large";
    case OpenFinding::too_many_layers: return "too_many_layers";
    case OpenFinding::unsupported: return "unsupported";
    case OpenFinding::partly_protected: return "partly_protected";
    case OpenFinding::unknown_signer: return "unknown_signer";
    case OpenFinding::several_signers: return "several_signers";
    case OpenFinding::both_contents: return "both_contents";
    case OpenFinding::compressed: return "compressed";
  }
  return "damaged";
}

base::Result<Opened> open(const base::ContentPtr& message, const mail::MessageFacts& facts, const OpenRequest& request,
                          const std::vector<std::string>& own_fields) {
  return Opener(message, facts, request, own_fields).run();
}

}  // namespace crypto
