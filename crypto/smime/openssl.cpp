#include "crypto/smime/openssl.hpp"

#include <climits>

#include <openssl/err.h>

namespace crypto::smime {
namespace {

int sink_write(BIO* bio, const char* data, size_t size, size_t* written) {
  auto* target = static_cast<SinkTarget*>(BIO_get_data(bio));
  if (!target->result) return 0;
  target->result = target->sink->write({data, size});
  if (!target->result) return 0;
  *written = size;
  return 1;
}

long sink_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* sink_method() {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "byte sink");
    BIO_meth_set_write_ex(made, sink_write);
    BIO_meth_set_ctrl(made, sink_control);
    return made;
  }();
  return method;
}

}  // namespace

ErrorScope::ErrorScope() { ERR_clear_error(); }
ErrorScope::~ErrorScope() { ERR_clear_error(); }

std::string ErrorScope::drain() {
  std::string out;
  while (const unsigned long code = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    if (out.size() > 1024) continue;
    if (!out.empty()) out += "; ";
    out += text;
  }
  return out;
}

BioPtr make_sink_bio(SinkTarget& target) {
  BioPtr bio(BIO_new(sink_method()));
  if (bio) {
    BIO_set_data(bio.get(), &target);
    BIO_set_init(bio.get(), 1);
  }
  return bio;
}

std::string to_der(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

X509Ptr parse_x509(base::ByteView der) {
  if (der.empty() || der.size() > LONG_MAX) return nullptr;
  const unsigned char* at = base::u8(der);
  X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  // bytes behind the certificate would have no meaning that anybody checked
  if (x509 && at != base::u8(der) + der.size()) return nullptr;
  return x509;
}

}  // namespace crypto::smime
