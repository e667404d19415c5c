#include "certs/find/load.hpp"

#include <algorithm>

#include "base/core/file.hpp"
#include "certs/model/certificate.hpp"

namespace certs {
namespace {

constexpr base::ByteCount k_max_crl = base::mib(64);

bool is_fingerprint(const std::string& stem) {
  if (stem.size() != 64 && stem.size() != 40) return false;
  return std::all_of(stem.begin(), stem.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

// Left behind by a crash while a file was written: never complete, never named by anything.
bool is_temporary(const std::string& name) { return name.find(".tmp-") != std::string::npos; }

class Loader {
 public:
  Loader(const std::filesystem::path& directory, const OpenPgpKeys* openpgp) : m_directory(directory), m_openpgp(openpgp) {}

  base::Result<SnapshotPtr> run() {
    auto names = base::list_directory(m_directory);
    if (!names) return std::move(names).error();
    if (names->size() > 3 * k_max_entries) return base::fail(k_bad_metadata, "too many files in the key directory");
    m_names = std::set<std::string>(names->begin(), names->end());
    for (const std::string& name : *names) take_file(name);
    if (m_openpgp != nullptr) take_openpgp();
    make_trust();
    for (std::size_t i = 0; i < m_out->entries.size(); ++i)
      for (const std::string& address : m_out->entries[i].metadata.addresses) m_out->by_address.emplace(address, i);
    return SnapshotPtr(std::move(m_out));
  }

 private:
  void cannot_read(const std::string& name, const base::Error& error, std::vector<std::string> addresses = {}) {
    m_out->unreadable.push_back({name, error.detail, std::move(addresses)});
  }

  void take_file(const std::string& name) {
    const std::filesystem::path path(name);
    const std::string stem = path.stem().string(), ending = path.extension().string();
    if (is_temporary(name)) return;
    if (ending == ".crl") return take_crl(name);
    if (!is_fingerprint(stem)) return m_out->foreign_files.push_back(name);
    if (ending == ".meta") return take_entry(stem, name);
    if ((ending == ".der" || ending == ".key") && m_names.contains(stem + ".meta")) return;
    cannot_read(name, base::fail(k_bad_metadata, "a key without its notes"));
  }

  void take_crl(const std::string& name) {
    auto bytes = base::read_trusted_file(m_directory / name, k_max_crl);
    // a lost CRL could hide a revocation: for anybody
    if (!bytes) return cannot_read(name, bytes.error());
    m_crls.emplace_back(name, std::move(*bytes));
  }

  void take_entry(const std::string& stem, const std::string& name) {
    auto text = base::read_trusted_file(m_directory / name, k_max_metadata);
    auto metadata = text ? parse_metadata(*text) : base::Result<Metadata>(text.error());
    if (!metadata) return cannot_read(name, metadata.error());
    if (metadata->method == Method::openpgp) {
      m_notes[stem] = std::move(*metadata);
      return;
    }
    Entry entry{.info = {}, .metadata = std::move(*metadata), .der = {}};
    auto der = base::read_trusted_file(m_directory / (stem + ".der"), {k_max_certificate});
    if (!der) return cannot_read(stem + ".der", der.error(), entry.metadata.addresses);
    auto info = describe_certificate(*der);
    if (!info || info->fingerprint.hex != stem) return cannot_read(stem + ".der", base::fail(k_bad_certificate, "not the certificate that its name says"), entry.metadata.addresses);
    entry.info = std::move(*info);
    entry.info.reads_gcm = entry.metadata.reads_gcm;
    entry.info.has_private = m_names.contains(stem + ".key");
    if (entry.metadata.role == Role::own && !entry.info.has_private) cannot_read(stem + ".key", base::fail(k_bad_metadata, "private key is missing"), entry.metadata.addresses);
    entry.der = std::move(*der);
    m_out->entries.push_back(std::move(entry));
  }

  void take_openpgp() {
    auto keys = m_openpgp->list();
    if (!keys) {
      m_out->openpgp_error = keys.error().describe();
      return;
    }
    for (KeyInfo& info : *keys) {
      Entry entry{.info = std::move(info), .metadata = {}, .der = {}};
      const auto note = m_notes.find(entry.info.fingerprint.hex);
      if (note != m_notes.end()) entry.metadata = note->second;
      entry.metadata.method = Method::openpgp;
      if (entry.info.has_private) {  // nobody but we made it
        entry.metadata.role = Role::own;
        entry.metadata.confirmed = true;
      }
      // user ids are anybody's text: a note narrows them to whom the key was taken in for
      if (entry.metadata.addresses.empty()) entry.metadata.addresses = entry.info.addresses;
      m_out->entries.push_back(std::move(entry));
    }
  }

  void make_trust() {
    TrustMaterial material;
    for (const Entry& entry : m_out->entries) {
      if (entry.info.method != Method::smime) continue;
      if (entry.metadata.trusted) material.anchors.push_back(entry.der);
      else if (entry.metadata.role == Role::authority) material.intermediates.push_back(entry.der);
    }
    for (auto& [name, der] : m_crls) {
      if (make_trust_store({{}, {}, {der}})) material.crls.push_back(std::move(der));
      else cannot_read(name, base::fail(k_bad_certificate, "not a CRL"));
    }
    auto trust = make_trust_store(material);
    m_out->trust = trust ? *trust : *make_trust_store({});
    if (!trust) cannot_read("trust", trust.error());
  }

  const std::filesystem::path& m_directory;
  const OpenPgpKeys* m_openpgp;
  std::set<std::string> m_names;
  std::map<std::string, Metadata> m_notes;                      // of OpenPGP keys
  std::vector<std::pair<std::string, std::string>> m_crls;
  std::shared_ptr<Snapshot> m_out = std::make_shared<Snapshot>();
};

}  // namespace

base::Result<SnapshotPtr> load_snapshot(const std::filesystem::path& directory, const OpenPgpKeys* openpgp) {
  return Loader(directory, openpgp).run();
}

}  // namespace certs
