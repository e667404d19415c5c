// Promise: what daemon and commands share at their start: secrets, store, keys, one snapshot of all versions. Every error
// here is one that ends the start with a sentence for the administrator.
#pragma once

#include "certs/model/key.hpp"
#include "gateway/app/keys.hpp"
#include "gateway/options/options.hpp"
#include "gateway/pipeline/context.hpp"
#include "gateway/store/store.hpp"

namespace app {

// First thing in main: libraries, umask, no core dumps, the site's zone comes with the configuration.
void init_process();

base::Result<std::shared_ptr<const crypto::seal::RootKey>> load_root_key(const config::Options& options);
base::Result<std::unique_ptr<store::Store>> open_store(const config::Options& options, std::optional<store::Recovery> new_epoch = {});

// The one that peers see, which stands first in the file: k_malformed if there is none.
base::Result<certs::KeyInfo> first_certificate(std::string_view pem);
// All of a PEM file, as DER; at least one. k_malformed.
base::Result<std::vector<std::string>> certificates_in(std::string_view pem);

// The client that shows this route's certificate; k_tls and what files say. For routes that have one.
base::Result<base::net::TlsClientPtr> make_route_tls(const config::Options& options, const config::RouteOptions& route);

// TLS contexts, passwords and keys of this configuration; nothing of it is shared with an older one.
base::Result<pipeline::SnapshotPtr> make_snapshot(config::OptionsPtr options, std::shared_ptr<Keys> keys);

}  // namespace app
