#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/core/bytes.hpp"
#include "base/core/clock.hpp"
#include "base/core/digest.hpp"
#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/core/id.hpp"
#include "base/core/random.hpp"
#include "base/core/remote_text.hpp"
#include "base/core/secret.hpp"
#include "base/core/stream.hpp"

namespace base {
namespace {

// RFC 4648 section 10
TEST(Bytes, Base64Vectors) {
  const std::pair<const char*, const char*> rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : rows) {
    EXPECT_EQ(to_base64(plain), coded);
    EXPECT_EQ(*parse_base64(coded), plain);
  }
}

TEST(Bytes, Base64IsStrict) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Z g=", "Zg==\n", "====", "Zm9=", "Zg==Zg=="}) EXPECT_FALSE(parse_base64(bad)) << bad;
  EXPECT_FALSE(parse_base64url("Zg=="));
  EXPECT_EQ(*parse_base64url("_-8"), "\xff\xef");
}

TEST(Bytes, Utf8) {
  for (const char* good : {"", "a", "ä", "€", "😀"}) EXPECT_TRUE(is_utf8(good));
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80"}) EXPECT_FALSE(is_utf8(bad));
}

TEST(Digest, Vectors) {
  EXPECT_EQ(to_hex(view(sha256(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(view(sha256("a", "bc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231 case 2
  EXPECT_EQ(to_hex(view(hmac_sha256("Jefe", "what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // RFC 8032 section 7.1, test 2
  const auto key = Ed25519Key::from_seed(*parse_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  const auto signature = key.sign("\x72");
  EXPECT_EQ(to_hex({reinterpret_cast<const char*>(signature.data()), 16}), "92a009a9f0d4cab8720e820b5f642540");
  EXPECT_TRUE(verify_ed25519(key.public_key(), "\x72", signature));
  EXPECT_FALSE(verify_ed25519(key.public_key(), "\x73", signature));
}

TEST(Id, RoundTripAndOrder) {
  const Timestamp early{std::chrono::milliseconds{1'700'000'000'000}}, late{std::chrono::milliseconds{1'700'000'000'001}};
  const auto a = MessageId::make(early), b = MessageId::make(late);
  EXPECT_LT(a, b);
  EXPECT_LT(a.text(), b.text());
  EXPECT_EQ(a.text().size(), 26u);
  EXPECT_EQ(*MessageId::parse(a.text()), a);
  EXPECT_EQ(*MessageId::parse(to_lower(a.text())), a);
  EXPECT_EQ(MessageId::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")->text(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  for (const char* bad : {"", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZU"})
    EXPECT_FALSE(MessageId::parse(bad)) << bad;
}

TEST(Clock, Formats) {
  const Timestamp t{std::chrono::milliseconds{1'772'352'930'123}};
  EXPECT_EQ(format_utc(t), "2026-03-01T08:15:30.123Z");
  EXPECT_EQ(format_rfc5322(t), "Sun, 01 Mar 2026 08:15:30 +0000");
  EXPECT_EQ(*parse_utc("2026-03-01T08:15:30.123Z"), t);
  for (const char* bad : {"2026-03-01T08:15:30Z", "2026-02-30T08:15:30.123Z", "2026-03-01T24:00:00.000Z", "2026-03-01T08:15:30.123Z "})
    EXPECT_FALSE(parse_utc(bad)) << bad;
}

TEST(RemoteText, EscapesWhatCouldLie) {
  EXPECT_EQ(escape_remote("Grüße"), "Grüße");
  EXPECT_EQ(escape_remote("a\r\nb\x1b[2J"), "a\\x0d\\x0ab\\x1b[2J");
  EXPECT_EQ(escape_remote("\xff"), "\\xff");
  EXPECT_EQ(escape_remote("x\u202Ey"), "x\\xe2\\x80\\xaey");
  EXPECT_EQ(escape_remote(std::string(600, 'a'), 10), "aaaaaaaaaa...");
}

TEST(Secret, MovesAndWipes) {
  auto a = SecretBytes::copy_of("geheim");
  const SecretBytes b = std::move(a);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.view(), "geheim");
  EXPECT_TRUE(equal_secrets(b.clone().view(), "geheim"));
  EXPECT_FALSE(equal_secrets("a", "b"));
}

TEST(File, DurableWriteAndPermissions) {
  const auto dir = fs::temp_directory_path() / ("amtsbote-" + MessageId::make({}).text());
  ASSERT_TRUE(make_directories(dir / "a", 0700));
  ASSERT_TRUE(write_file_durably(dir / "a" / "f", "eins"));
  ASSERT_TRUE(write_file_durably(dir / "a" / "f", "zwei"));
  EXPECT_EQ(*read_file(dir / "a" / "f", kib(1)), "zwei");
  EXPECT_EQ(*list_directory(dir / "a"), std::vector<std::string>{"f"});
  EXPECT_EQ(read_file(dir / "a" / "f", {3}).error().code, k_too_large);
  EXPECT_EQ(read_file(dir / "g", kib(1)).error().code, k_not_found);
  EXPECT_EQ(read_secret_file(dir / "a" / "f", kib(1)).error().code, k_bad_permissions);
  ::chmod((dir / "a" / "f").c_str(), 0400);
  EXPECT_EQ(read_secret_file(dir / "a" / "f", kib(1))->view(), "zwei");
  ::chmod((dir / "a" / "f").c_str(), 0622);
  EXPECT_EQ(read_trusted_file(dir / "a" / "f", kib(1)).error().code, k_bad_permissions);
  fs::remove_all(dir);
}

TEST(File, WhatADeathLeftIsSwept) {
  const fs::path dir = fs::temp_directory_path() / ("amtsbote-sweep-" + to_hex(random_bytes(6)));
  fs::create_directories(dir / "tile" / "0");
  const std::set<std::string> stay = {"000", "000.tmp-12", "notes.tmp-0123456789aX", "x.tmp-0123456789ab.old"};
  for (const std::string& name : stay) std::ofstream(dir / "tile" / "0" / name) << "x";
  std::ofstream(dir / "tile" / "0" / "001.tmp-0123456789ab") << "half";
  std::ofstream(dir / "checkpoint.tmp-ba9876543210") << "half";
  const auto removed = remove_temporary_files(dir);
  ASSERT_TRUE(removed);
  EXPECT_EQ(*removed, 2u);
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(dir / "tile" / "0")) left.insert(entry.path().filename());
  EXPECT_EQ(left, stay);
  EXPECT_FALSE(fs::exists(dir / "checkpoint.tmp-ba9876543210"));
  fs::remove_all(dir);
  EXPECT_FALSE(remove_temporary_files(dir));
}

TEST(Stream, ContentReadsTwice) {
  const auto content = make_content("hallo");
  EXPECT_EQ(*read_all(*content, kib(1)), "hallo");
  EXPECT_EQ(*read_all(*content, kib(1)), "hallo");
  EXPECT_EQ(read_all(*content, {4}).error().code, k_too_large);
}

}  // namespace
}  // namespace base
