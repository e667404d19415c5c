// Decoding: the rules of RFC 2045 sections 6.7 and 6.8, and what our own encoders write.
#include "mail/message/transfer_encoding.hpp"

#include <gtest/gtest.h>

namespace mail {
namespace {

std::string decoded(std::string_view encoding, std::string_view text) { return decode_transfer(encoding, text).value_or("-"); }

TEST(DecodeTransfer, Table) {
  const std::tuple<const char*, std::string, std::string> rows[] = {
      {"7bit", "a=3D\r\n", "a=3D\r\n"},
      {"8bit", "\xe4\r\n", "\xe4\r\n"},
      {"binary", std::string("\0\n", 2), std::string("\0\n", 2)},
      {"base64", "QUJD", "ABC"},
      {"base64", "QU\r\nJ D\t\r\n", "ABC"},
      {"base64", "QQ==\r\n", "A"},
      {"base64", "", ""},
      {"base64", "QQ==QUJD", "-"},
      {"base64", "QUJ", "-"},
      {"base64", "QU?D", "-"},
      {"quoted-printable", "a=3Db=e4=E4\r\n", "a=b\xe4\xe4\r\n"},
      {"quoted-printable", "one =\r\nline", "one line"},
      {"quoted-printable", "blanks \t\r\nend", "blanks\r\nend"},
      {"quoted-printable", "soft=  \r\nend", "softend"},
      {"quoted-printable", "a\nb=\nc", "a\nbc"},
      {"quoted-printable", "a=", "a"},
      {"quoted-printable", "a=4", "-"},
      {"quoted-printable", "a=xy", "-"},
      {"quoted-printable", "a==", "-"},
      {"quoted-printable", "", ""},
      {"x-uuencode", "a", "-"},
      {"", "a", "-"},
  };
  for (const auto& [encoding, text, expected] : rows) EXPECT_EQ(decoded(encoding, text), expected) << encoding << " " << text;
}

TEST(DecodeTransfer, WhatOurEncodersWrite) {
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes += static_cast<char>(i * 7);
  for (const char* encoding : {"base64", "quoted-printable"}) {
    const auto encoder = encoding == std::string("base64") ? make_base64_encoder() : make_quoted_printable_encoder();
    std::string text;
    encoder->feed(bytes, text);
    encoder->finish(text);
    EXPECT_EQ(decoded(encoding, text), bytes) << encoding;
  }
}

}  // namespace
}  // namespace mail
