// The inside of RealLoop, for the .cc files of this floor only: it brings in Boost.Asio.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "real/real_loop.h"

namespace kelpie::real {

struct RealLoop::Impl {
  using TimerKey = std::pair<Instant, async::TimerId>;

  // One thread runs it; resolver threads and posters of other loops still may complete into it.
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};

  std::deque<async::Work> ready;
  std::map<TimerKey, async::Work> timers;
  boost::unordered_flat_map<uint64_t, Instant> due_by_timer;
  uint64_t last_timer = 0;
  Instant now;

  // Empty while nobody runs the loop.
  std::atomic<std::thread::id> running_thread;
  std::atomic<bool> stop_asked{false};
  // Set with the first item of a batch, which also wakes the loop; cleared when the batch is taken.
  std::atomic<bool> mail_waiting{false};
  std::mutex mail_mutex;
  std::vector<async::Work> mail;
  // The last time that there was nothing to do, another thread's work ended it within a moment.
  bool answers_soon = false;

  void refresh_now();
  void take_mail();
  void run_ready();
  void run_first();
  void run_timers();
  void wait_for_io();
  bool wait_awake(Instant until);
  void sleep();
};

}  // namespace kelpie::real
