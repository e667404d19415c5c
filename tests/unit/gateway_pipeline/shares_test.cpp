// How destinations share the dispatcher's places.
#include "gateway/pipeline/shares.hpp"

#include <list>
#include <vector>

#include <gtest/gtest.h>

namespace pipeline {
namespace {

constexpr std::size_t k_places = 200;

// The dispatcher as Shares sees it: each seat takes a place.
struct Dispatcher {
  Shares shares;
  std::map<std::string, std::list<Shares::Seat>> seats;

  std::size_t taken() const {
    std::size_t out = 0;
    for (const auto& [lane, list] : seats) out += list.size();
    return out;
  }
  std::size_t free() const { return k_places - taken() - 1; }  // the asking message has a place itself
  void step_back(const std::string& lane) {
    seats[lane].back().step_back();
    seats[lane].pop_back();
  }
  bool take(const std::string& lane) {
    auto seat = shares.take(lane, free());
    if (!seat) return false;
    seats[lane].push_back(std::move(*seat));
    return true;
  }
  std::size_t fill(const std::string& lane) {
    std::size_t out = 0;
    while (free() > 0 && take(lane)) ++out;
    return out;
  }
};

TEST(Shares, OneDestinationLeavesAQuarterToTheOthers) {
  Dispatcher d;
  EXPECT_EQ(d.fill("slow"), 150u);
  EXPECT_FALSE(d.take("slow"));
  EXPECT_TRUE(d.take("fast"));
}

TEST(Shares, WhoeverStandsStillIsLeftAndGetsNoMoreThanItHad) {
  Dispatcher d;
  for (int lane = 0; lane < 8; ++lane) {
    const std::string name = "still " + std::to_string(lane);
    d.fill(name);
    while (d.seats[name].size() > 20) {  // as many as get in; the others wait in vain
      d.shares.set_aside(lane * 1000 + static_cast<std::int64_t>(d.seats[name].size()), name);
      d.step_back(name);
    }
    EXPECT_FALSE(d.take(name));
    EXPECT_FALSE(d.shares.take_room()) << "nobody comes back at once";
  }
  EXPECT_EQ(d.taken(), 160u);
  EXPECT_TRUE(d.take("fast"));
}

TEST(Shares, WhoMovesAgainGetsMoreFromOneToTheNext) {
  Dispatcher d;
  d.fill("slow");
  while (d.seats["slow"].size() > 20) d.step_back("slow");
  d.shares.set_aside(7, "slow");
  EXPECT_FALSE(d.take("slow"));
  d.seats["slow"].pop_front();
  EXPECT_TRUE(d.shares.take_room());
  EXPECT_EQ(d.fill("slow"), 3u) << "its own place, and two";
  while (d.seats["slow"].size() > 1) d.seats["slow"].pop_front();
  EXPECT_GT(d.fill("slow"), 50u);
  d.seats.clear();
  EXPECT_EQ(d.fill("slow"), 150u) << "nothing is remembered of a lane that was empty";
}

TEST(Shares, TheLastPlaceServesWhoHasNone) {
  Shares shares;
  EXPECT_TRUE(shares.take("first", 0));
  const auto seat = shares.take("second", 0);
  EXPECT_TRUE(seat);
  EXPECT_FALSE(shares.take("second", 0));
}

TEST(Shares, WhatWasSetAsideWaitsUntilTheLaneHasRoom) {
  Dispatcher d;
  d.fill("slow");
  d.shares.set_aside(7, "slow");
  EXPECT_EQ(d.shares.held_up(), 150u);
  EXPECT_TRUE(d.shares.is_aside(7, d.free()));
  EXPECT_FALSE(d.shares.is_aside(8, d.free()));
  EXPECT_FALSE(d.shares.take_room());
  while (d.seats["slow"].size() > 60) d.seats["slow"].pop_front();
  EXPECT_FALSE(d.shares.take_room()) << "so few would come that a look does not pay";
  while (d.seats["slow"].size() > 50) d.seats["slow"].pop_front();
  EXPECT_TRUE(d.shares.take_room());
  EXPECT_FALSE(d.shares.take_room()) << "told once";
  EXPECT_FALSE(d.shares.is_aside(7, d.free()));
  EXPECT_EQ(d.shares.aside(), 0u);
}

TEST(Shares, AnEmptyLaneForgetsWhoWaitedForIt) {
  Dispatcher d;
  d.fill("slow");
  for (int id = 1; id <= 1000; ++id) d.shares.set_aside(id, "slow");
  EXPECT_EQ(d.shares.aside(), 1000u);
  d.seats.clear();
  EXPECT_EQ(d.shares.aside(), 0u) << "also what was cancelled meanwhile and is never asked for";
  EXPECT_TRUE(d.shares.take_room());
  EXPECT_FALSE(d.shares.is_aside(1, k_places));
}

TEST(Shares, RemembersOnlySoMany) {
  Dispatcher d;
  d.fill("slow");
  for (std::int64_t id = 1; id <= static_cast<std::int64_t>(Shares::k_max_aside) + 5; ++id) d.shares.set_aside(id, "slow");
  EXPECT_EQ(d.shares.aside(), Shares::k_max_aside);
  EXPECT_FALSE(d.shares.is_aside(static_cast<std::int64_t>(Shares::k_max_aside) + 1, d.free())) << "it is loaded and set aside anew";
}

}  // namespace
}  // namespace pipeline
