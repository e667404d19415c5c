#include "gateway/pipeline/scratch.hpp"

#include <unistd.h>

#include "base/core/random.hpp"

namespace pipeline {
namespace {

constexpr std::size_t k_in_memory = 256 * 1024;

// A sealed scratch file that goes away with its last reader.
class ScratchContent : public base::Content {
 public:
  ScratchContent(std::filesystem::path path, base::ContentPtr inner) : m_path(std::move(path)), m_inner(std::move(inner)) {}
  ~ScratchContent() override { ::unlink(m_path.c_str()); }
  base::ByteCount size() const override { return m_inner->size(); }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override { return m_inner->open(); }

 private:
  std::filesystem::path m_path;
  base::ContentPtr m_inner;
};

}  // namespace

PipelineScratch::PipelineScratch(std::filesystem::path directory) : m_directory(std::move(directory)) {}

PipelineScratch::~PipelineScratch() {
  if (m_file && !m_finished) ::unlink(m_path.c_str());
}

base::Result<void> PipelineScratch::take(base::ByteView bytes) {
  if (!m_file && m_memory.size() + bytes.size() <= k_in_memory) {
    m_memory.append(bytes);
    return base::Done{};
  }
  if (!m_file) {
    m_path = m_directory / base::to_hex(base::random_bytes(12));
    m_key = crypto::seal::make_message_key();
    auto file = crypto::seal::SealedFileWriter::create(m_path, m_key);
    if (!file) return std::move(file).error();
    m_file = *std::move(file);
    if (auto done = m_file->write(m_memory); !done) return done;
    base::wipe(m_memory);
  }
  return m_file->write(bytes);
}

base::Result<base::ContentPtr> PipelineScratch::finish() {
  if (!m_file) return base::make_content(std::move(m_memory));
  if (auto done = m_file->finish(); !done) return done.error();
  m_finished = true;
  auto inner = crypto::seal::open_sealed_file(m_path, m_key.clone(), m_file->size());
  return base::ContentPtr(std::make_shared<const ScratchContent>(m_path, std::move(inner)));
}

}  // namespace pipeline
