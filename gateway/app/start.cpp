#include "gateway/app/start.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/core/random.hpp"
#include "certs/model/certificate.hpp"
#include "crypto/openpgp/home.hpp"
#include "gateway/config/secret.hpp"

namespace app {
namespace {

// Of next hops.
std::optional<base::fs::path> anchors_of(const config::Options& options) {
  if (options.trust.tls_anchors.empty()) return std::nullopt;
  return options.trust.tls_anchors;
}

}  // namespace

// The one that clients see, which stands first in the file.
base::Result<certs::KeyInfo> first_certificate(std::string_view pem) {
  const auto all = certificates_in(pem);
  if (!all) return all.error();
  return certs::describe_certificate(all->front());
}

base::Result<std::vector<std::string>> certificates_in(std::string_view pem) {
  constexpr std::string_view k_begin = "-----BEGIN CERTIFICATE-----", k_end = "-----END CERTIFICATE-----";
  std::vector<std::string> out;
  while (true) {
    const auto begin = pem.find(k_begin);
    if (begin == std::string_view::npos) break;
    const auto end = pem.find(k_end, begin);
    if (end == std::string_view::npos) return base::fail(base::k_malformed, "a certificate without its end");
    std::string text(pem.substr(begin + k_begin.size(), end - begin - k_begin.size()));
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    auto der = base::parse_base64(text);
    if (!der) return std::move(der).error();
    out.push_back(*std::move(der));
    pem.remove_prefix(end + k_end.size());
  }
  if (out.empty()) return base::fail(base::k_malformed, "no certificate");
  return out;
}

void init_process() {
  base::init_crypto();
  crypto::openpgp::init();
  ::umask(0077);
  // what is in memory stays there: keys and other people's mail
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  // a descriptor for each session and more: the usual soft limit of 1024 is for programs that use select()
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

base::Result<std::shared_ptr<const crypto::seal::RootKey>> load_root_key(const config::Options& options) {
  auto secret = config::load_secret(options.secrets.seal);
  if (!secret) return std::move(secret).error();
  auto key = crypto::seal::RootKey::of(*std::move(secret));
  if (!key) return std::move(key).error();
  return std::make_shared<const crypto::seal::RootKey>(*std::move(key));
}

base::Result<std::unique_ptr<store::Store>> open_store(const config::Options& options, std::optional<store::Recovery> new_epoch) {
  auto root = load_root_key(options);
  if (!root) return std::move(root).error();
  auto seed = config::load_secret(options.secrets.log);
  if (!seed) return std::move(seed).error();
  if (seed->size() != 32) return base::fail(base::k_malformed, "the log's key has " + std::to_string(seed->size()) + " bytes, not 32");
  store::Options out;
  out.directory = options.site.state_directory;
  out.root = *std::move(root);
  out.log_key = std::make_shared<const base::Ed25519Key>(base::Ed25519Key::from_seed(seed->view()));
  out.origin = options.site.hostname + "/receipts/" + options.site.node;
  out.node = options.site.node;
  out.new_epoch = std::move(new_epoch);
  return store::Store::open(std::move(out));
}

base::Result<base::net::TlsClientPtr> make_route_tls(const config::Options& options, const config::RouteOptions& route) {
  const std::string what = "route \"" + route.name + "\".client_certificate: ";
  const auto pem = base::read_file(route.client_certificate, base::kib(256));
  if (!pem) return base::fail(pem.error().code, what + pem.error().detail);
  const auto key = config::load_secret(route.client_key);
  if (!key) return base::fail(key.error().code, "route \"" + route.name + "\".client_key: " + key.error().detail);
  auto made = base::net::make_tls_client(anchors_of(options), *pem, *key);
  if (!made) return base::fail(made.error().code, what + made.error().detail);
  return made;
}

base::Result<pipeline::SnapshotPtr> make_snapshot(config::OptionsPtr options, std::shared_ptr<Keys> keys) {
  auto out = std::make_shared<pipeline::Snapshot>();
  const auto hash = base::parse_hex(options->hash);
  if (!hash || hash->size() != out->cfg.size()) return base::fail(base::k_malformed, "hash of the configuration");
  std::copy(hash->begin(), hash->end(), reinterpret_cast<char*>(out->cfg.data()));
  auto client = base::net::make_tls_client(anchors_of(*options));
  if (!client) return std::move(client).error();
  out->tls_client = *std::move(client);
  for (const auto& tls : options->tls) {
    auto pem = base::read_file(tls.certificate, base::kib(256));
    if (!pem) return std::move(pem).error();
    auto key = config::load_secret(tls.key);
    if (!key) return std::move(key).error();
    const auto anchors = tls.client_anchors.empty() ? std::nullopt : std::optional(tls.client_anchors);
    auto server = base::net::make_tls_server(*pem, *key, anchors);
    if (!server) return base::fail(server.error().code, "tls." + tls.name + ": " + server.error().detail);
    out->tls_servers.emplace(tls.name, *std::move(server));
    if (const auto certificate = first_certificate(*pem)) out->tls_ends.emplace(tls.name, certificate->not_after);
  }
  for (const auto& route : options->routes) {
    if (route.password.empty()) continue;
    auto password = config::load_secret(route.password);
    if (!password) return std::move(password).error();
    out->route_passwords.emplace(route.name, std::make_shared<const base::SecretBytes>(*std::move(password)));
  }
  for (const auto& route : options->routes) {
    if (route.client_certificate.empty()) continue;
    auto made = make_route_tls(*options, route);
    if (!made) return std::move(made).error();
    out->route_tls.emplace(route.name, *std::move(made));
    if (const auto pem = base::read_file(route.client_certificate, base::kib(256)))
      if (const auto certificate = first_certificate(*pem)) out->tls_ends.emplace("route " + route.name, certificate->not_after);
  }
  if (!options->demail.anchors.empty()) {
    const auto pem = base::read_file(options->demail.anchors, base::mib(4));
    if (!pem) return pem.error();
    auto anchors = certificates_in(*pem);
    if (!anchors) return base::fail(anchors.error().code, "demail.anchors: " + anchors.error().detail);
    out->demail_anchors = *std::move(anchors);
  }
  out->keys = keys->ring(options);
  out->keys_owner = std::move(keys);
  out->options = std::move(options);
  return pipeline::SnapshotPtr(std::move(out));
}

}  // namespace app
