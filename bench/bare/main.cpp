// The same S/MIME operations as the gateway's, bare, in one process and one thread: sign (detached, multipart/signed), encrypt the
// result, base64 for both. Prints a line of JSON for each combination with the CPU time a message takes; what the gateway needs
// beyond this is its own. No policy, no mail parsing, no disk, no network.
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/wire/arguments.hpp"

namespace bench {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Cms = std::unique_ptr<CMS_ContentInfo, Freed<CMS_ContentInfo_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

struct Party {
  Key key;
  Certificate certificate;
};

Party make_party(const std::string& kind) {
  Party party;
  party.key.reset(kind == "p256" ? EVP_EC_gen("P-256") : EVP_RSA_gen(kind == "rsa2048" ? 2048 : 3072));
  party.certificate.reset(X509_new());
  X509* certificate = party.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(kind.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, party.key.get());
  if (X509_sign(certificate, party.key.get(), EVP_sha256()) <= 0) stop("cannot make a certificate");
  return party;
}

std::string base64_lines(const std::string& raw) {
  // EVP_EncodeUpdate writes lines of 64 characters and a line feed (RFC 8551 section 3.1 wants CRLF; put in below)
  const std::unique_ptr<EVP_ENCODE_CTX, Freed<EVP_ENCODE_CTX_free>> context(EVP_ENCODE_CTX_new());
  EVP_EncodeInit(context.get());
  std::string out(raw.size() / 48 * 65 + 132, '\0');
  int first = 0;
  int last = 0;
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  EVP_EncodeUpdate(context.get(), to, &first, reinterpret_cast<const unsigned char*>(raw.data()), static_cast<int>(raw.size()));
  EVP_EncodeFinal(context.get(), to + first, &last);
  out.resize(static_cast<std::size_t>(first + last));
  std::string lines;
  lines.reserve(out.size() + out.size() / 64 + 2);
  for (std::size_t begin = 0; begin < out.size();) {
    const std::size_t end = out.find('\n', begin);
    lines.append(out, begin, end - begin).append("\r\n");
    begin = end + 1;
  }
  return lines;
}

std::string der_of(CMS_ContentInfo* cms) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (i2d_CMS_bio(out.get(), cms) != 1) stop("cannot write CMS");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string sign(const std::string& part, const Party& signer) {
  const Bio in(BIO_new_mem_buf(part.data(), static_cast<int>(part.size())));
  const Cms cms(CMS_sign(signer.certificate.get(), signer.key.get(), nullptr, in.get(), CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP));
  if (!cms) stop("cannot sign");
  return "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\r\n\r\n--b\r\n" + part +
         "\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         base64_lines(der_of(cms.get())) + "\r\n--b--\r\n";
}

std::string encrypt(const std::string& part, const Party& reader, const EVP_CIPHER* cipher) {
  const Bio in(BIO_new_mem_buf(part.data(), static_cast<int>(part.size())));
  const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })> readers(sk_X509_new_null());
  sk_X509_push(readers.get(), reader.certificate.get());
  const Cms cms(CMS_encrypt(readers.get(), in.get(), cipher, CMS_BINARY));
  if (!cms) stop("cannot encrypt");
  return "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         base64_lines(der_of(cms.get()));
}

struct Work {
  std::string kind, cipher;
  std::size_t kib;
};

void measure(const Work& work, const Party& party, double seconds) {
  std::string part = "Content-Type: text/plain\r\n\r\n";
  while (part.size() < work.kib * 1024) part += "The quick brown fox jumps over the lazy dog, seventy bytes each line.\r\n";
  const EVP_CIPHER* cipher = work.cipher == "gcm" ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
  std::uint64_t count = 0;
  std::size_t bytes = encrypt(sign(part, party), party, cipher).size();  // the first one fetches algorithms: not counted
  const double start = cpu_seconds();
  double spent = 0;
  for (; spent < seconds; spent = cpu_seconds() - start, ++count) bytes += encrypt(sign(part, party), party, cipher).size();
  std::printf("{\"name\":\"%s %s %zuk\",\"cpu_ms\":%.4f,\"messages\":%llu,\"bytes\":%zu}\n", work.kind.c_str(), work.cipher.c_str(), work.kib,
              spent * 1000 / static_cast<double>(count), static_cast<unsigned long long>(count), bytes);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const bench::Arguments given(argc, argv, {}, {"seconds"});
  const double seconds = given.real("seconds", 1);
  if (seconds > 60) bench::stop("--seconds is at most 60");
  for (const char* kind : {"p256", "rsa2048", "rsa3072"}) {
    const bench::Party party = bench::make_party(kind);
    for (const char* cipher : {"gcm", "cbc"}) {
      for (const std::size_t kib : {std::size_t{10}, std::size_t{100}}) bench::measure({kind, cipher, kib}, party, seconds);
    }
  }
  return 0;
}
