#include "crypto/protect/protect.hpp"

#include <algorithm>

#include "crypto/openpgp/operate.hpp"
#include "crypto/protect/compose.hpp"
#include "crypto/protect/errors.hpp"
#include "crypto/protect/output_check.hpp"
#include "crypto/smime/write.hpp"

namespace crypto {
namespace {

using base::ByteSink;
using base::Result;

// One run of protect(); the steps hand on the first error.
struct Job {
  const mail::MessageFacts& facts;
  const ProtectRequest& request;
  EntitySource& entity;
  ProtectReport& report;
};

std::string multipart_signed(const char* protocol, const char* micalg, const std::string& boundary) {
  return std::string("Content-Type: multipart/signed; protocol=\"application/") + protocol + "\";\r\n micalg=" + micalg +
         "; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n";
}

// --- S/MIME ---

// multipart/signed with the entity in it, Content-Type first: the end of an outer header, or the inner entity.
Result<void> write_smime_signed(const Job& job, const smime::IdentityPtr& identity, ByteSink& out) {
  auto signer = smime::Signer::start(identity);
  if (!signer) return std::move(signer).error();
  const std::string boundary = make_boundary();
  if (auto put = out.write(multipart_signed("pkcs7-signature", signer->micalg(), boundary)); !put) return put;
  TeeSource tee(job.entity, out, true);
  if (auto copied = base::copy(tee, *signer); !copied) return copied;
  auto der = signer->finish();
  if (!der) return std::move(der).error();
  // the CRLF before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)
  if (auto put = out.write("\r\n--" + boundary +
                           "\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
                           "Content-Transfer-Encoding: base64\r\n"
                           "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n");
      !put)
    return put;
  Base64Sink base64(out);
  if (auto put = base64.write(*der); !put) return put;
  if (auto put = base64.finish(); !put) return put;
  job.report.signed_ = true;
  job.report.signer = smime::fingerprint_of(*identity);
  return out.write("--" + boundary + "--\r\n");
}

Result<void> write_smime_encrypted(const Job& job, const SmimeEncrypt& encrypt, ByteSink& out) {
  std::vector<smime::Recipient> recipients;
  for (const smime::CertificatePtr& certificate : encrypt.recipients)
    recipients.push_back({certificate, encrypt.oaep.contains(smime::fingerprint_of(*certificate))});
  const char* type = encrypt.gcm ? "authEnveloped-data" : "enveloped-data";
  if (auto put = out.write(std::string("Content-Type: application/pkcs7-mime; smime-type=") + type +
                           ";\r\n name=\"smime.p7m\"\r\nContent-Transfer-Encoding: base64\r\n"
                           "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n");
      !put)
    return put;
  Base64Sink base64(out);
  auto encryptor = smime::Encryptor::start(recipients, encrypt.gcm, base64);
  if (!encryptor) return std::move(encryptor).error();
  const auto* sign = std::get_if<SmimeSign>(&job.request.sign);
  auto written = sign != nullptr ? write_smime_signed(job, sign->identity, *encryptor) : base::copy(job.entity, *encryptor);
  if (!written) return written;
  if (auto done = encryptor->finish(); !done) return done;
  job.report.encrypted = true;
  return base64.finish();
}

// --- OpenPGP: RFC 3156 sections 5 and 6.2 (signed and encrypted in one message) ---

Result<void> write_openpgp_signed(const Job& job, const OpenPgpSign& sign, ByteSink& out) {
  const std::string boundary = make_boundary();
  if (auto put = out.write(multipart_signed("pgp-signature", openpgp::k_micalg, boundary)); !put) return put;
  TeeSource tee(job.entity, out, true);
  auto signature = openpgp::sign_detached(*job.request.home, sign.key, tee);
  if (!signature) return std::move(signature).error();
  if (auto put = out.write("\r\n--" + boundary +
                           "\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\n"
                           "Content-Description: OpenPGP digital signature\r\n"
                           "Content-Disposition: attachment; filename=\"signature.asc\"\r\n\r\n");
      !put)
    return put;
  CrlfSink crlf(out);
  if (auto put = crlf.write(*signature); !put) return put;
  job.report.signed_ = true;
  job.report.signer = sign.key;
  return out.write("\r\n--" + boundary + "--\r\n");
}

struct ArmourFrame {
  std::string header, before, after;
};

ArmourFrame make_armour_frame() {
  const std::string boundary = make_boundary();
  return {"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n boundary=\"" + boundary + "\"\r\n\r\n",
          "--" + boundary +
              "\r\nContent-Type: application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n\r\n"
              "Version: 1\r\n\r\n--" +
              boundary +
              "\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
              "Content-Description: OpenPGP encrypted message\r\nContent-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n",
          "\r\n--" + boundary + "--\r\n"};
}

Result<void> write_openpgp_encrypted(const Job& job, const OpenPgpEncrypt& encrypt, const ArmourFrame& frame, ByteSink& out) {
  if (auto put = out.write(frame.header + frame.before); !put) return put;
  std::optional<certs::Fingerprint> signer;
  if (const auto* sign = std::get_if<OpenPgpSign>(&job.request.sign)) signer = sign->key;
  CrlfSink crlf(out);
  if (signer) {
    // the signature lies inside the OpenPGP message, but what it covers must stand as well when it is taken out
    struct Ignore : ByteSink {
      Result<void> write(base::ByteView) override { return base::Done{}; }
    } ignore;
    TeeSource checked(job.entity, ignore, true);
    if (auto done = openpgp::encrypt(*job.request.home, encrypt.recipients, signer, checked, crlf); !done) return done;
  } else if (auto done = openpgp::encrypt(*job.request.home, encrypt.recipients, signer, job.entity, crlf); !done) {
    return done;
  }
  job.report.signed_ = signer.has_value();
  job.report.signer = signer;
  job.report.encrypted = true;
  return out.write(frame.after);
}

// --- both ---

// Recipients that stand twice would make the comparison of sets ambiguous.
void make_unique(ProtectRequest& request) {
  if (auto* encrypt = std::get_if<SmimeEncrypt>(&request.encrypt)) {
    auto& list = encrypt->recipients;
    std::set<certs::Fingerprint> seen;
    list.erase(std::remove_if(list.begin(), list.end(), [&](const auto& c) { return !seen.insert(smime::fingerprint_of(*c)).second; }), list.end());
  }
  if (auto* encrypt = std::get_if<OpenPgpEncrypt>(&request.encrypt)) {
    std::sort(encrypt->recipients.begin(), encrypt->recipients.end());
    encrypt->recipients.erase(std::unique(encrypt->recipients.begin(), encrypt->recipients.end()), encrypt->recipients.end());
  }
}

bool is_openpgp(const ProtectRequest& request) {
  return std::holds_alternative<OpenPgpSign>(request.sign) || std::holds_alternative<OpenPgpEncrypt>(request.encrypt);
}

Result<void> check_request(const ProtectRequest& request) {
  const bool sign = request.sign.index() != 0, encrypt = request.encrypt.index() != 0;
  if (!sign && !encrypt) return base::fail(k_protect_failed, "neither signature nor encryption asked for");
  if (sign && encrypt && request.sign.index() != request.encrypt.index()) return base::fail(k_protect_failed, "two methods in one message");
  if (is_openpgp(request) && !request.home) return base::fail(k_bad_key, "no OpenPGP home");
  if (const auto* s = std::get_if<SmimeSign>(&request.sign); s != nullptr && !s->identity) return base::fail(k_bad_key, "no identity");
  if (const auto* e = std::get_if<SmimeEncrypt>(&request.encrypt)) {
    if (e->recipients.empty()) return base::fail(k_bad_key, "no recipients");
    if (std::any_of(e->recipients.begin(), e->recipients.end(), [](const auto& c) { return !c; })) return base::fail(k_bad_key, "no certificate");
  }
  if (const auto* e = std::get_if<OpenPgpEncrypt>(&request.encrypt); e != nullptr && e->recipients.empty())
    return base::fail(k_bad_key, "no recipients");
  return base::Done{};
}

// What the output must be, from the request alone; the report repeats it.
Result<Expected> expect(const ProtectRequest& request, const ArmourFrame& frame, ProtectReport& report) {
  Expected out;
  out.wrapping = is_openpgp(request) ? mail::Wrapping::pgp_signed : mail::Wrapping::smime_signed;
  report.method = is_openpgp(request) ? "openpgp" : "smime";
  if (const auto* encrypt = std::get_if<SmimeEncrypt>(&request.encrypt)) {
    out.wrapping = mail::Wrapping::smime_encrypted;
    out.cipher = report.cipher = encrypt->gcm ? "aes-256-gcm" : "aes-256-cbc";
    for (const auto& certificate : encrypt->recipients) {
      out.smime_recipients.push_back(smime::recipient_id_of(*certificate));
      report.recipients.push_back(smime::fingerprint_of(*certificate));
    }
  }
  if (const auto* encrypt = std::get_if<OpenPgpEncrypt>(&request.encrypt)) {
    out.wrapping = mail::Wrapping::pgp_encrypted;
    out.before_armour = frame.before;
    out.after_armour = frame.after;
    report.cipher = "aes-256-cfb";  // with MDC: cipher of our gpg.conf
    for (const auto& key : encrypt->recipients) {
      auto ids = openpgp::encryption_key_ids(*request.home, key);
      if (!ids) return std::move(ids).error();
      out.openpgp_recipients.push_back(std::move(*ids));
      report.recipients.push_back(key);
    }
  }
  return out;
}

Result<void> write_protected(const Job& job, const ArmourFrame& frame, ByteSink& out) {
  if (auto put = out.write(outer_header(job.facts)); !put) return put;
  if (const auto* e = std::get_if<SmimeEncrypt>(&job.request.encrypt)) return write_smime_encrypted(job, *e, out);
  if (const auto* e = std::get_if<OpenPgpEncrypt>(&job.request.encrypt)) return write_openpgp_encrypted(job, *e, frame, out);
  if (const auto* s = std::get_if<SmimeSign>(&job.request.sign)) return write_smime_signed(job, s->identity, out);
  return write_openpgp_signed(job, std::get<OpenPgpSign>(job.request.sign), out);
}

}  // namespace

Result<Protected> protect(const base::ContentPtr& message, const mail::MessageFacts& facts, const ProtectRequest& asked,
                          Scratch& scratch) {
  ProtectRequest request = asked;
  if (auto checked = check_request(request); !checked) return checked.error();
  make_unique(request);
  const ArmourFrame frame = make_armour_frame();
  ProtectReport report;
  auto expected = expect(request, frame, report);
  if (!expected) return std::move(expected).error();
  auto entity = EntitySource::open(message, facts);
  if (!entity) return std::move(entity).error();

  OutputCheck out(scratch.sink(), std::move(*expected));
  if (auto written = write_protected({facts, request, **entity, report}, frame, out); !written) return written.error();
  auto input = (*entity)->finish();
  if (!input) return std::move(input).error();
  auto output = out.finish();
  if (!output) return std::move(output).error();
  report.input = *input;
  report.output = *output;
  auto content = scratch.finish();
  if (!content) return std::move(content).error();
  return Protected(std::move(*content), std::move(report));
}

}  // namespace crypto
