// Event: a flag that tasks of one Loop wait for. Set once set; every waiter resumes through the
// Loop, in the order in which they came.
#pragma once

#include <coroutine>

#include "async/loop.h"
#include "async/wake.h"

namespace kelpie::async {

// Must outlive its waiters. One Loop.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void set();
  // Makes later waits wait again.
  void clear() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }

  class Awaiter {
   public:
    explicit Awaiter(Event& event) : event_(&event) {}
    Awaiter(Awaiter&&) = delete;
    ~Awaiter();
    bool await_ready() const noexcept { return event_->set_; }
    void await_suspend(std::coroutine_handle<> waiting);
    void await_resume() noexcept {}

   private:
    friend class Event;
    Event* event_;
    Wake wake_;
    // Its place among the waiters, who are the links of their own list.
    Awaiter* before_ = nullptr;
    Awaiter* after_ = nullptr;
    bool listed_ = false;
  };
  Awaiter wait() { return Awaiter(*this); }

 private:
  void remove(Awaiter& waiter);

  Loop& loop_;
  bool set_ = false;
  Awaiter* first_ = nullptr;
  Awaiter* last_ = nullptr;
};

}  // namespace kelpie::async
