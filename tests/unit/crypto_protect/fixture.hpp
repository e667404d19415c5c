// What the tests of protect and open share: identities of the test PKI, a Scratch in memory, sample messages.
#pragma once

#include "crypto/protect/open.hpp"
#include "crypto/protect/protect.hpp"
#include "mail/message/inspect.hpp"
#include "tests/unit/pki.hpp"

namespace tests {

class MemoryScratch : public crypto::Scratch {
 public:
  base::ByteSink& sink() override { return m_sink; }
  base::Result<base::ContentPtr> finish() override { return base::make_content(std::move(m_sink.bytes())); }

 private:
  base::StringSink m_sink;
};

inline crypto::smime::CertificatePtr certificate(const std::string& name) {
  auto loaded = crypto::smime::load_certificate(Pki::get().der(name));
  EXPECT_TRUE(loaded) << name << (loaded ? "" : loaded.error().describe());
  return *loaded;
}

inline crypto::smime::IdentityPtr identity(const std::string& name) {
  auto loaded = crypto::smime::load_identity(Pki::get().der(name), {Pki::get().der("ca")}, base::SecretBytes::copy_of(Pki::get().key_der(name)));
  EXPECT_TRUE(loaded) << name << (loaded ? "" : loaded.error().describe());
  return *loaded;
}

inline constexpr const char* k_marker = "GEHEIMES-AKTENZEICHEN-4711";

inline std::string sample(const std::string& content_fields = "Content-Type: text/plain; charset=us-ascii\r\n") {
  return "Received: from a by b\r\nFrom: Amt <alice@stadt.example>\r\nTo: bob@example.org\r\nSubject: Bescheid\r\nMIME-Version: 1.0\r\n" +
         content_fields + "X-Folded: one\r\n two\r\nMessage-ID: <1@stadt.example>\r\n\r\nSehr geehrte Frau,\r\n" + k_marker +
         "\r\n.dot\r\n trailing blanks  \r\n\r\nEnde\r\n";
}

inline base::Result<crypto::Protected> protect(const std::string& message, const crypto::ProtectRequest& request) {
  MemoryScratch scratch;
  return crypto::protect(base::make_content(message), mail::inspect(message), request, scratch);
}

inline std::string bytes_of(const base::ContentPtr& content) { return *base::read_all(*content, base::mib(500)); }

inline std::string body_of(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }

// The marker must not stand in what leaves: raw, base64 at each of its three offsets, quoted-printable.
inline void expect_no_marker(const std::string& output) {
  const std::string marker = k_marker;
  EXPECT_EQ(output.find(marker), std::string::npos);
  for (std::size_t skip = 0; skip < 3; ++skip) {
    std::string text = base::to_base64(marker.substr(skip));
    text.resize(marker.substr(skip).size() / 3 * 4);
    std::string joined;
    for (const char c : output)
      if (c != '\r' && c != '\n') joined += c;
    EXPECT_EQ(joined.find(text), std::string::npos) << "base64 at " << skip;
  }
  std::string soft = output;
  for (std::size_t at = 0; (at = soft.find("=\r\n", at)) != std::string::npos;) soft.erase(at, 3);
  EXPECT_EQ(soft.find(marker), std::string::npos);
}

}  // namespace tests
