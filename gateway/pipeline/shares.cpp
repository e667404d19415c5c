#include "gateway/pipeline/shares.hpp"

#include <algorithm>

namespace pipeline {
namespace {

constexpr std::size_t k_low = 50;    // so few on their way: those that wait may come, many at once
constexpr std::size_t k_growth = 2;  // for each that got through

}  // namespace

std::optional<Shares::Seat> Shares::take(const std::string& lane, std::size_t free) {
  const LanePtr it = m_lanes.try_emplace(lane).first;
  if (is_full(it->second, free)) return std::nullopt;
  ++it->second.heading;
  return Seat(*this, it);
}

void Shares::set_aside(std::int64_t id, const std::string& lane) {
  const LanePtr it = m_lanes.find(lane);
  // whom nobody heads for is not full: the next look takes the message up
  if (it == m_lanes.end() || m_lane_of.size() >= k_max_aside) return;
  if (m_lane_of.emplace(id, it).second) it->second.aside.insert(id);
}

bool Shares::is_aside(std::int64_t id, std::size_t free) {
  const auto it = m_lane_of.find(id);
  if (it == m_lane_of.end()) return false;
  Lane& lane = it->second->second;
  if (is_full(lane, free)) return true;
  lane.aside.erase(id);
  m_lane_of.erase(it);
  return false;
}

std::size_t Shares::held_up() const {
  std::size_t out = 0;
  for (const auto& [name, lane] : m_lanes)
    if (!lane.aside.empty()) out += lane.heading;
  return out;
}

void Shares::leave(LanePtr lane) {
  lane->second.most = std::min(lane->second.most + k_growth, k_no_limit);
  free_one(lane);
}

void Shares::step_back(LanePtr lane) {
  lane->second.most = std::max<std::size_t>(lane->second.heading - 1, 1);
  free_one(lane);
}

void Shares::free_one(LanePtr lane) {
  Lane& l = lane->second;
  --l.heading;
  if (l.heading <= k_low && l.heading < l.most && !l.aside.empty()) m_room = true;
  if (l.heading > 0) return;
  // also what was ended meanwhile by somebody else, and will never be asked for
  for (const std::int64_t id : l.aside) m_lane_of.erase(id);
  m_lanes.erase(lane);
}

}  // namespace pipeline
