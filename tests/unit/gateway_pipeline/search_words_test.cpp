#include "gateway/pipeline/search_words.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace pipeline {
namespace {

bool has(const std::vector<base::Bytes>& words, const std::optional<std::string>& word) { return word && std::find(words.begin(), words.end(), *word) != words.end(); }

TEST(SearchWords, WhatIsAskedForIsWhatWasStored) {
  MessageRecord record;
  record.reverse_path = *mail::Address::parse("Amt53@STADT.example");
  record.from = "amt53@stadt.example";
  record.message_id = "<ABC.1@stadt.example>";
  record.origin.department = "Gesundheitsamt";
  record.subject = "Re: Bescheid 53-4711/26 \xC3\x84rztlich";
  RecipientRecord recipient;
  recipient.address = *mail::Address::parse("Max.Muster@B\xC3\xBCrger.example");
  const auto words = search_words(record, {recipient});
  for (const char* text : {"amt53@stadt.example", "AMT53@Stadt.Example", "stadt.example", "Stadt.EXAMPLE", "max.muster@b\xC3\xBCrger.example",
                           "b\xC3\xBCrger.example", "xn--brger-kva.example"})
    EXPECT_TRUE(has(words, address_word(text))) << text;
  for (const char* text : {"amt54@stadt.example", "example", "a b", "", "@", "x@"}) EXPECT_FALSE(has(words, address_word(text))) << text;
  for (const char* text : {"<abc.1@stadt.example>", "ABC.1@stadt.example"}) EXPECT_TRUE(has(words, message_id_word(text))) << text;
  EXPECT_TRUE(has(words, department_word("gesundheitsamt")));
  for (const std::string& word : subject_words("bescheid  53-4711/26\t\xC3\xA4RZTLICH")) EXPECT_TRUE(has(words, word)) << word;
  EXPECT_EQ(subject_words("Re: an 12 abc").size(), 2u);  // "Re:" has three
  EXPECT_TRUE(subject_words("").empty());
}

TEST(SearchWords, ALongSubjectHasNoEndlessList) {
  MessageRecord record;
  for (int i = 1000; i < 3000; ++i) record.subject += std::to_string(i) + " ";
  RecipientRecord recipient;
  recipient.address = *mail::Address::parse("x@aussen.example");
  const auto words = search_words(record, {recipient});
  EXPECT_EQ(words.size(), k_max_search_words);
  EXPECT_TRUE(has(words, address_word("x@aussen.example")));
}

}  // namespace
}  // namespace pipeline
