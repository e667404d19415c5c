// Promise: files are read whole under a limit and written so that a crash leaves the old or the new content, never a part.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"
#include "base/core/secret.hpp"

namespace base {

namespace fs = std::filesystem;

// k_not_found, k_too_large, k_io; here and below k_no_descriptors where the process has too many files open.
Result<Bytes> read_file(const fs::path& path, ByteCount limit);

// Writes `path`.tmp-RANDOM, syncs it, renames it over `path`, syncs the directory. k_io, k_disk_full.
Result<void> write_file_durably(const fs::path& path, ByteView bytes, unsigned mode = 0644);

// The same for several files: all are written and synced before the first is renamed, and each directory is synced once. After
// an error some may be there and some not; none is torn.
struct FileToWrite {
  fs::path path;
  ByteView bytes;
};
Result<void> write_files_durably(const std::vector<FileToWrite>& files, unsigned mode = 0644);

// A secret: the file must belong to root or to us and be closed to group and others (a systemd credential is).
// k_bad_permissions, k_not_found, k_too_large.
Result<SecretBytes> read_secret_file(const fs::path& path, ByteCount limit);

// Text that tells us what to do (config, policies): group and others must not be able to write it, and it must belong
// to root or to us. k_bad_permissions.
Result<Bytes> read_trusted_file(const fs::path& path, ByteCount limit);

Result<void> sync_directory(const fs::path& path);
Result<void> make_directories(const fs::path& path, unsigned mode);
// What a death between writing and renaming left of the functions above, anywhere below `path`: removed. How many there were.
Result<std::size_t> remove_temporary_files(const fs::path& path);
// Names in `path` (not ".", ".."), sorted.
Result<std::vector<std::string>> list_directory(const fs::path& path);

std::string errno_text(int error);

}  // namespace base
