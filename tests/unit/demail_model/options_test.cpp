#include "demail/model/options.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"

namespace demail {
namespace {

TEST(Options, Both) {
  const Options a{.dispatch = true, .retrieve = true},
      b{.receipt = true, .retrieve = true, .authoritative = true, .personal = true};
  EXPECT_EQ(both(a, b), (Options{true, true, true, true, true}));
  EXPECT_EQ(both(a, {}), a);
  EXPECT_EQ(both({}, {}), Options{});
}

// Part 3.1 (steps 18 to 25): a retrieve confirmation makes the message personal; these three need the level "high".
TEST(Options, WhatTheyBringAlongAndDemand) {
  EXPECT_EQ(complete({.retrieve = true}), (Options{.retrieve = true, .personal = true}));
  EXPECT_EQ(complete({.dispatch = true, .receipt = true}), (Options{.dispatch = true, .receipt = true}));
  EXPECT_FALSE(needs_high({}));
  EXPECT_FALSE(needs_high({.dispatch = true, .receipt = true}));
  EXPECT_TRUE(needs_high({.retrieve = true}));
  EXPECT_TRUE(needs_high({.authoritative = true}));
  EXPECT_TRUE(needs_high({.personal = true}));
}

TEST(Options, Describe) {
  EXPECT_EQ(describe({}), "none");
  EXPECT_EQ(describe({.dispatch = true, .receipt = true}), "dispatch, receipt");
  EXPECT_EQ(describe({true, true, true, true, true}), "dispatch, receipt, retrieve, authoritative, personal");
}

struct Row {
  const char* subject_word;
  Options options;
};
// As people write them, with every spelling that is promised.
const Row k_rows[] = {
    {"De-Mail", {}},
    {"de-mail", {}},
    {"DE-MAIL", {}},
    {"Absenderbestätigt", {.authoritative = true}},
    {"Absenderbestaetigt", {.authoritative = true}},
    {"ABSENDERBESTÄTIGT", {.authoritative = true}},
    {"Persönlich", {.personal = true}},
    {"Persoenlich", {.personal = true}},
    {"Versandbestätigung", {.dispatch = true}},
    {"Versandbestaetigung", {.dispatch = true}},
    {"Eingangsbestätigung", {.receipt = true}},
    {"Eingangsbestaetigung", {.receipt = true}},
    {"Abholbestätigung", {.retrieve = true}},
    {"Abholbestaetigung", {.retrieve = true}},
    {"Confirmed by sender", {.authoritative = true}},
    {"confirmed  by\tsender", {.authoritative = true}},
    {"Personal", {.personal = true}},
    {"Dispatch confirmation", {.dispatch = true}},
    {"Receipt confirmation", {.receipt = true}},
    {"Collection confirmation", {.retrieve = true}},
};

// Through the reader of subjects, so that its normal form and ours are one.
TEST(Keywords, AsInASubject) {
  for (const Row& row : k_rows) {
    const auto facts = mail::inspect("From: a@x.example\r\nSubject: [" + std::string(row.subject_word) + "] Bescheid\r\n\r\n");
    ASSERT_EQ(facts.keywords.size(), 1u) << row.subject_word;
    const auto options = options_of_keyword(facts.keywords[0]);
    ASSERT_TRUE(options) << row.subject_word;
    EXPECT_EQ(*options, row.options) << row.subject_word;
    EXPECT_EQ(mail::subject_without(facts, keywords()), "Bescheid") << row.subject_word;
  }
  for (const char* other : {"", "demail", "bestätigt", "personally", "confirmed", "amt 53", "[de-mail]", "de mail"})
    EXPECT_FALSE(options_of_keyword(other)) << other;
}

TEST(Keywords, ListedAreKnown) {
  for (const std::string& word : keywords()) EXPECT_TRUE(options_of_keyword(word)) << word;
  EXPECT_EQ(std::count(keywords().begin(), keywords().end(), "de-mail"), 1);
}

}  // namespace
}  // namespace demail
