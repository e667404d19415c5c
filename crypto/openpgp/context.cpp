#include "crypto/openpgp/context.hpp"

#include <cerrno>

#include "crypto/protect/errors.hpp"

namespace crypto::openpgp {
namespace {

gpgme_data_cbs* callbacks(gpgme_data_read_cb_t read, gpgme_data_write_cb_t write) {
  static gpgme_data_cbs reading{}, writing{};
  gpgme_data_cbs& chosen = read != nullptr ? reading : writing;
  static std::once_flag once_read, once_write;
  std::call_once(read != nullptr ? once_read : once_write, [&] {
    chosen.read = read;
    chosen.write = write;
  });
  return &chosen;
}

}  // namespace

base::Result<std::unique_ptr<Context>> Context::make(const Home& home, Place place) {
  if (place == Place::take) home.enter();
  std::unique_ptr<Context> out(new Context(home, place));
  gpgme_error_t error = gpgme_new(&out->m_context);
  // per context, never by environment or globals: other homes may live in the same process
  if (!error) error = gpgme_ctx_set_engine_info(out->m_context, GPGME_PROTOCOL_OpenPGP, home.program().empty() ? nullptr : home.program().c_str(),
                                                 home.directory().c_str());
  if (!error) error = gpgme_set_protocol(out->m_context, GPGME_PROTOCOL_OpenPGP);
  if (!error) error = gpgme_set_pinentry_mode(out->m_context, GPGME_PINENTRY_MODE_LOOPBACK);
  if (error) return base::fail(k_engine, "context: " + text_of(error));
  gpgme_set_armor(out->m_context, 1);
  gpgme_set_offline(out->m_context, 1);
  gpgme_set_passphrase_cb(out->m_context, give_passphrase, out.get());
  return out;
}

Context::~Context() {
  if (m_context != nullptr) gpgme_release(m_context);
  if (m_place == Place::take) m_home.leave();
  m_home.end(m_begun);
}

gpgme_error_t Context::give_passphrase(void* self, const char*, const char*, int was_bad, int fd) {
  auto& context = *static_cast<Context*>(self);
  // asking twice for the same would go on for ever
  if (was_bad != 0 || context.m_asked > 8) return gpgme_error(GPG_ERR_BAD_PASSPHRASE);
  const bool old = context.m_old != nullptr && !context.m_old->empty() && context.m_asked == 0;
  ++context.m_asked;
  const base::ByteView phrase = old ? context.m_old->view() : context.m_home.passphrase().view();
  if (gpgme_io_writen(fd, phrase.data(), phrase.size()) != 0 || gpgme_io_writen(fd, "\n", 1) != 0)
    return gpgme_error_from_errno(errno);
  return 0;
}

Data::Data(base::ByteSource& source) : m_source(&source) { gpgme_data_new_from_cbs(&m_data, callbacks(on_read, nullptr), this); }

Data::Data(base::ByteSink& sink, base::ByteCount limit) : m_sink(&sink), m_left(limit.value) {
  gpgme_data_new_from_cbs(&m_data, callbacks(nullptr, on_write), this);
}

Data::Data(base::ByteView bytes) { gpgme_data_new_from_mem(&m_data, bytes.data(), bytes.size(), 0); }

Data::~Data() {
  if (m_data != nullptr) gpgme_data_release(m_data);
}

ssize_t Data::on_read(void* self, void* buffer, size_t size) {
  auto& data = *static_cast<Data*>(self);
  const auto got = data.m_result ? data.m_source->read({static_cast<char*>(buffer), size}) : base::Result<std::size_t>(base::fail(k_engine));
  if (got) return static_cast<ssize_t>(*got);
  if (data.m_result) data.m_result = got.error();
  errno = EIO;
  return -1;
}

ssize_t Data::on_write(void* self, const void* buffer, size_t size) {
  auto& data = *static_cast<Data*>(self);
  if (size > data.m_left) data.m_limit_hit = true;
  if (data.m_limit_hit || !data.m_result) {
    errno = EFBIG;
    return -1;
  }
  data.m_left -= size;
  data.m_result = data.m_sink->write({static_cast<const char*>(buffer), size});
  if (data.m_result) return static_cast<ssize_t>(size);
  errno = EIO;
  return -1;
}

std::string text_of(gpgme_error_t error) {
  char text[256] = "";
  gpgme_strerror_r(error, text, sizeof text);
  return std::to_string(gpgme_err_code(error)) + " " + text;
}

bool is_engine_trouble(gpgme_error_t error) {
  switch (gpgme_err_code(error)) {
    case GPG_ERR_GENERAL:  // gpg died, or was killed
    case GPG_ERR_NO_AGENT:
    case GPG_ERR_AGENT:
    case GPG_ERR_NO_PIN_ENTRY:
    case GPG_ERR_PIN_ENTRY:
    case GPG_ERR_BAD_PASSPHRASE:  // the home's passphrase is not that of the key: ours to mend
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_INV_ENGINE:
    case GPG_ERR_ASS_CONNECT_FAILED:
    case GPG_ERR_ASS_SERVER_START:
    case GPG_ERR_ASS_READ_ERROR:
    case GPG_ERR_ASS_WRITE_ERROR:
    case GPG_ERR_NOT_OPERATIONAL:
    case GPG_ERR_EOF:
    case GPG_ERR_EPIPE:
    case GPG_ERR_EIO:
    case GPG_ERR_ENOMEM:
    case GPG_ERR_EAGAIN:
    case GPG_ERR_ENFILE:
    case GPG_ERR_EMFILE: return true;
    default: return false;
  }
}

base::Error error_of(const char* what, gpgme_error_t error) {
  switch (gpgme_err_code(error)) {
    case GPG_ERR_NO_PUBKEY:
    case GPG_ERR_NO_SECKEY:
    case GPG_ERR_UNUSABLE_PUBKEY:
    case GPG_ERR_UNUSABLE_SECKEY:
    case GPG_ERR_BAD_PASSPHRASE:
    case GPG_ERR_KEY_EXPIRED:
    case GPG_ERR_CERT_REVOKED: return base::fail(k_bad_key, std::string(what) + ": " + text_of(error));
    default: return base::fail(k_engine, std::string(what) + ": " + text_of(error));
  }
}

}  // namespace crypto::openpgp
