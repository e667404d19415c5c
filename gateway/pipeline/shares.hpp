// Promise: destinations share the dispatcher's places, so that one that takes its time holds up its own mail and nobody else's. A
// destination may have three times as many as are free: alone it gets three quarters, and the more there are, the less each has.
// One that stands still is left by those that wait for their turn there; from then on it may have what it had then, and two more
// for each that gets through. Messages beyond the share wait in the store; this remembers which, for looks into the queue to pass
// over them. Pure bookkeeping; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace pipeline {

class Shares {
  static constexpr std::size_t k_no_limit = 1'000'000;
  struct Lane {
    std::size_t heading = 0;
    std::size_t most = k_no_limit;  // since somebody left it for another time
    std::unordered_set<std::int64_t> aside;
  };
  using LanePtr = std::map<std::string, Lane>::iterator;

 public:
  static constexpr std::size_t k_times_free = 3;
  static constexpr std::size_t k_max_aside = 100'000;  // ids remembered; who is not remembered is loaded anew at each look

  // Held by what is on its way to a lane. It must not outlive its Shares.
  class Seat {
   public:
    // Its turn has not come within the time that it had: the lane stands still, or nearly. The seat is free then.
    void step_back() { std::exchange(m_shares, nullptr)->step_back(m_lane); }
    Seat(Seat&& other) noexcept : m_shares(std::exchange(other.m_shares, nullptr)), m_lane(other.m_lane) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
      if (m_shares != nullptr) m_shares->leave(m_lane);
    }

   private:
    friend class Shares;
    Seat(Shares& shares, LanePtr lane) : m_shares(&shares), m_lane(lane) {}
    Shares* m_shares;
    LanePtr m_lane;
  };

  // `free`: places that nobody has now. Nothing, if the lane has had its share.
  std::optional<Seat> take(const std::string& lane, std::size_t free);
  // Its message stays in the store until the lane has room. To be called where take() gave nothing.
  void set_aside(std::int64_t id, const std::string& lane);
  // Whether it must go on waiting; if not, it is forgotten.
  bool is_aside(std::int64_t id, std::size_t free);
  // Seats of lanes that others wait for: they say nothing about how much more could be done at once.
  std::size_t held_up() const;
  // True once after a lane that others wait for has got room again.
  bool take_room() { return std::exchange(m_room, false); }
  std::size_t aside() const { return m_lane_of.size(); }

 private:
  static bool is_full(const Lane& lane, std::size_t free) { return lane.heading > k_times_free * free || lane.heading >= lane.most; }
  void leave(LanePtr lane);
  void step_back(LanePtr lane);
  void free_one(LanePtr lane);

  std::map<std::string, Lane> m_lanes;                  // those that somebody heads for
  std::unordered_map<std::int64_t, LanePtr> m_lane_of;  // of what was set aside
  bool m_room = false;
};

}  // namespace pipeline
