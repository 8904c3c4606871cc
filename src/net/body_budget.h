// BodyBudget: how many bytes of request bodies a server's connections may hold together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace kelpie::net {

// One Loop. Outlives its shares.
class BodyBudget {
 public:
  explicit BodyBudget(size_t bytes_max) : bytes_max_(bytes_max) {}
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  [[nodiscard]] size_t held() const { return held_; }
  // Is there room for so many bytes now? Nothing is set aside.
  [[nodiscard]] bool has_room(uint64_t bytes) const { return bytes <= bytes_max_ - held_; }

 private:
  friend class BodyShare;
  size_t bytes_max_;
  size_t held_ = 0;  // at most bytes_max_
};

// What one request holds of it; given back on destruction.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { release(); }

  // Holds `bytes` in all, never fewer than before. False, and nothing changes, when there is no
  // room.
  [[nodiscard]] bool grow_to(size_t bytes) {
    CHECK(bytes >= bytes_);
    if (!budget_.has_room(bytes - bytes_)) {
      return false;
    }
    budget_.held_ += bytes - bytes_;
    bytes_ = bytes;
    return true;
  }
  void release() {
    budget_.held_ -= bytes_;
    bytes_ = 0;
  }

 private:
  BodyBudget& budget_;
  size_t bytes_ = 0;
};

}  // namespace kelpie::net
