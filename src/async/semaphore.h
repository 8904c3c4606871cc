// Semaphore: at most `permits` holders at a time, in the order in which they asked.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "async/event.h"
#include "async/task.h"

namespace kelpie::async {

// One Loop. Must outlive its permits.
class Semaphore {
 public:
  class [[nodiscard]] Permit {
   public:
    Permit() = default;
    explicit Permit(Semaphore* semaphore) : semaphore_(semaphore) {}
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      if (this != &other) {
        release();
        semaphore_ = std::exchange(other.semaphore_, nullptr);
      }
      return *this;
    }
    ~Permit() { release(); }
    void release() {
      if (semaphore_ != nullptr) {
        std::exchange(semaphore_, nullptr)->give_back();
      }
    }

   private:
    Semaphore* semaphore_ = nullptr;
  };

  Semaphore(Loop& loop, size_t permits) : loop_(loop), free_(permits) {}

  Task<Permit> acquire() {
    if (free_ > 0 && waiting_.empty()) {
      --free_;
      co_return Permit(this);
    }
    Place place(*this);
    co_await place.turn->wait();
    // The permit was set aside for us when our turn came.
    place.granted_taken = true;
    co_return Permit(this);
  }

  [[nodiscard]] size_t waiting() const { return waiting_.size(); }

 private:
  // A place in the queue; leaving it early hands a granted permit on.
  struct Place {
    explicit Place(Semaphore& owner)
        : semaphore(owner), turn(std::make_unique<Event>(owner.loop_)) {
      at = semaphore.waiting_.insert(semaphore.waiting_.end(), this);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (!granted) {
        semaphore.waiting_.erase(at);
      } else if (!granted_taken) {
        semaphore.give_back();
      }
    }
    Semaphore& semaphore;
    std::unique_ptr<Event> turn;
    std::list<Place*>::iterator at;
    bool granted = false;
    bool granted_taken = false;
  };

  void give_back() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    Place* next = waiting_.front();
    waiting_.pop_front();
    next->granted = true;
    next->turn->set();
  }

  Loop& loop_;
  size_t free_;
  std::list<Place*> waiting_;
};

}  // namespace kelpie::async
