// Output while it is made: in memory while it is small, in a sealed file of the scratch directory once it is large; gone with
// its last reader. Inside the pipeline.
#pragma once

#include <filesystem>

#include "crypto/protect/protect.hpp"
#include "crypto/seal/seal.hpp"

namespace pipeline {

class PipelineScratch : public crypto::Scratch {
 public:
  explicit PipelineScratch(std::filesystem::path directory);
  ~PipelineScratch() override;
  base::ByteSink& sink() override { return m_sink; }
  base::Result<base::ContentPtr> finish() override;

 private:
  class Sink : public base::ByteSink {
   public:
    explicit Sink(PipelineScratch& owner) : m_owner(owner) {}
    base::Result<void> write(base::ByteView bytes) override { return m_owner.take(bytes); }

   private:
    PipelineScratch& m_owner;
  };
  base::Result<void> take(base::ByteView bytes);

  std::filesystem::path m_directory, m_path;
  base::SecretBytes m_key;
  base::Bytes m_memory;
  std::unique_ptr<crypto::seal::SealedFileWriter> m_file;
  Sink m_sink{*this};
  bool m_finished = false;
};

}  // namespace pipeline
