#include "crypto/seal/seal.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/core/id.hpp"
#include "crypto/seal/errors.hpp"

namespace crypto::seal {
namespace {

RootKey root(char fill) { return *RootKey::of(base::SecretBytes::copy_of(std::string(32, fill))); }

TEST(Seal, BoundToKeyAndPlace) {
  const auto key = make_message_key();
  const auto sealed = seal(key, "Befund", "mid/body");
  EXPECT_EQ(sealed.find("Befund"), std::string::npos);
  EXPECT_EQ(*unseal(key, sealed, "mid/body"), "Befund");
  EXPECT_EQ(unseal(key, sealed, "mid/from").error().code, k_sealed_broken);
  EXPECT_EQ(unseal(make_message_key(), sealed, "mid/body").error().code, k_sealed_broken);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto bad = sealed;
    bad[i] ^= 1;
    EXPECT_FALSE(unseal(key, bad, "mid/body"));
  }
  EXPECT_FALSE(unseal(key, "", "mid/body"));
}

TEST(Seal, WrongRootKeyIsToldApartFromDamage) {
  const auto key = make_message_key();
  auto wrapped = root('a').wrap(key, "mid");
  EXPECT_EQ(root('a').unwrap(wrapped, "mid")->view(), key.view());
  EXPECT_EQ(root('b').unwrap(wrapped, "mid").error().code, k_wrong_root_key);
  EXPECT_EQ(root('a').unwrap(wrapped, "other").error().code, k_sealed_broken);
  wrapped.back() ^= 1;
  EXPECT_EQ(root('a').unwrap(wrapped, "mid").error().code, k_sealed_broken);
  EXPECT_FALSE(RootKey::of(base::SecretBytes(31)));
}

class SealedFile : public testing::Test {
 protected:
  SealedFile() { std::filesystem::create_directories(m_dir); }
  ~SealedFile() override { std::filesystem::remove_all(m_dir); }
  std::filesystem::path m_dir = std::filesystem::temp_directory_path() / ("amtsbote-" + base::MessageId::make({}).text());
};

TEST_F(SealedFile, RoundTripOfOddSizes) {
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 200000u}) {
    const auto key = make_message_key();
    const auto path = m_dir / std::to_string(size);
    const std::string plain(size, 'x');
    auto writer = SealedFileWriter::create(path, key);
    ASSERT_TRUE(writer);
    for (std::size_t i = 0; i < size; i += 7777) ASSERT_TRUE((*writer)->write(base::ByteView(plain).substr(i, 7777)));
    ASSERT_TRUE((*writer)->finish());
    ASSERT_TRUE((*writer)->sync());
    EXPECT_EQ((*writer)->size().value, size);
    const auto content = open_sealed_file(path, key.clone(), {size});
    EXPECT_EQ(*base::read_all(*content, base::mib(1)), plain);
    EXPECT_EQ(base::read_file(path, base::mib(1))->find("xxxx"), std::string::npos);
    EXPECT_FALSE(SealedFileWriter::create(path, key));
  }
}

TEST_F(SealedFile, CutOrChangedIsNoticed) {
  const auto key = make_message_key();
  auto writer = SealedFileWriter::create(m_dir / "f", key);
  ASSERT_TRUE((*writer)->write(std::string(200000, 'x')));
  ASSERT_TRUE((*writer)->finish());
  const auto bytes = *base::read_file(m_dir / "f", base::mib(1));
  // cut exactly at a chunk's end: only the missing end mark tells
  for (const std::size_t keep : {std::size_t{24 + 65553}, std::size_t{24 + 2 * 65553}, bytes.size() - 1, std::size_t{10}}) {
    std::ofstream(m_dir / "cut", std::ios::binary) << bytes.substr(0, keep);
    EXPECT_FALSE(base::read_all(*open_sealed_file(m_dir / "cut", key.clone(), {200000}), base::mib(1)));
  }
}

TEST(Password, Argon2id) {
  const auto stored = hash_password("geheim");
  ASSERT_TRUE(stored);
  EXPECT_TRUE(stored->starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_TRUE(*verify_password(*stored, "geheim"));
  EXPECT_FALSE(*verify_password(*stored, "falsch"));
  EXPECT_FALSE(verify_password("$argon2id$v=19$m=1048576,t=9,p=1$c29tZXNhbHQ$aGFzaA", "x"));
}

}  // namespace
}  // namespace crypto::seal
