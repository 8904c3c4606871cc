#include "real/real_loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/check.h"
#include "real/real_loop_impl.h"

namespace kelpie::real {
namespace {

// Pieces of work between two looks at the sockets: a chain of posts cannot starve them, and a busy
// loop asks the kernel rarely.
constexpr int kPiecesPerRound = 256;
// A thread that sleeps takes some 20 us to wake, a good part of what a synced commit takes. So
// where other threads have answered within this time, the next answer is waited for awake,
// yielding; where they have not, as on an idle server, the loop sleeps.
constexpr Duration kAwakeMax = Duration::micros(300);
// Work that posts itself for ever must not keep `run_pending`.
constexpr int kPendingRoundsMax = 64;

}  // namespace

RealLoop::RealLoop() : impl_(std::make_unique<Impl>()) { impl_->refresh_now(); }

RealLoop::~RealLoop() {
  // Dropping work may post more: a scope's last frames, for example.
  do {
    impl_->take_mail();
    std::deque<async::Work> ready = std::move(impl_->ready);
    impl_->ready.clear();
    std::map<Impl::TimerKey, async::Work> timers = std::move(impl_->timers);
    impl_->timers.clear();
    impl_->due_by_timer.clear();
  } while (!impl_->ready.empty() || !impl_->timers.empty());
}

void RealLoop::post(async::Work work) {
  const std::thread::id runner = impl_->running_thread.load(std::memory_order_relaxed);
  CHECK(runner == std::thread::id() || runner == std::this_thread::get_id());
  impl_->ready.push_back(std::move(work));
}

void RealLoop::post_from_thread(async::Work work) {
  {
    const std::lock_guard lock(impl_->mail_mutex);
    impl_->mail.push_back(std::move(work));
  }
  if (!impl_->mail_waiting.exchange(true)) {
    boost::asio::post(impl_->io, [] {});
  }
}

Instant RealLoop::now() const { return impl_->now; }

async::TimerId RealLoop::start_timer(Instant due, async::Work work) {
  const async::TimerId id(++impl_->last_timer);
  impl_->timers.emplace(std::pair(due, id), std::move(work));
  impl_->due_by_timer.emplace(id.get(), due);
  return id;
}

void RealLoop::cancel_timer(async::TimerId timer) {
  const auto found = impl_->due_by_timer.find(timer.get());
  if (found == impl_->due_by_timer.end()) {
    return;
  }
  const Impl::TimerKey key(found->second, timer);
  impl_->due_by_timer.erase(found);
  // The work is dropped last, when both tables agree: its destructor may come back here.
  auto node = impl_->timers.extract(key);
}

void RealLoop::run() {
  impl_->running_thread = std::this_thread::get_id();
  while (!impl_->stop_asked.exchange(false)) {
    impl_->take_mail();
    impl_->run_timers();
    impl_->run_ready();
    impl_->wait_for_io();
  }
  impl_->running_thread = std::thread::id();
}

void RealLoop::run_pending() {
  CHECK(impl_->running_thread.load() == std::thread::id());
  impl_->running_thread = std::this_thread::get_id();
  for (int round = 0; round < kPendingRoundsMax; ++round) {
    impl_->take_mail();
    // What this round posts is for the next.
    for (size_t left = impl_->ready.size(); left > 0; --left) {
      impl_->run_first();
    }
  }
  impl_->running_thread = std::thread::id();
}

void RealLoop::stop() {
  impl_->stop_asked = true;
  boost::asio::post(impl_->io, [] {});
}

void RealLoop::Impl::refresh_now() {
  const auto since_origin = std::chrono::steady_clock::now().time_since_epoch();
  now = Instant::from_nanos(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_origin).count());
}

void RealLoop::Impl::take_mail() {
  if (!mail_waiting.exchange(false)) {
    return;
  }
  std::vector<async::Work> taken;
  {
    const std::lock_guard lock(mail_mutex);
    taken.swap(mail);
  }
  for (async::Work& work : taken) {
    ready.push_back(std::move(work));
  }
}

void RealLoop::Impl::run_ready() {
  for (int i = 0; i < kPiecesPerRound && !ready.empty() && !stop_asked; ++i) {
    run_first();
  }
}

void RealLoop::Impl::run_first() {
  async::Work work = std::move(ready.front());
  ready.pop_front();
  refresh_now();
  work();
}

void RealLoop::Impl::run_timers() {
  refresh_now();
  // Timers that are created meanwhile wait for the next round, even when they are due at once.
  const uint64_t newest = last_timer;
  const Instant until = now;
  while (!timers.empty() && !stop_asked) {
    const auto first = timers.begin();
    const auto [due, id] = first->first;
    if (due > until || id.get() > newest) {
      return;
    }
    async::Work work = std::move(first->second);
    timers.erase(first);
    due_by_timer.erase(id.get());
    refresh_now();
    work();
  }
}

void RealLoop::Impl::wait_for_io() {
  if (ready.empty() && !mail_waiting && !stop_asked) {
    refresh_now();
    const Instant began = now;
    if (!answers_soon || !wait_awake(began + kAwakeMax)) {
      sleep();
    }
    refresh_now();
    answers_soon = mail_waiting && now - began <= kAwakeMax;
  }
  // What else is there by now, without waiting.
  io.poll();
}

// False when nothing came.
bool RealLoop::Impl::wait_awake(Instant until) {
  while (now < until) {
    io.poll();
    if (!ready.empty() || mail_waiting || stop_asked) {
      return true;
    }
    std::this_thread::yield();
    refresh_now();
  }
  return false;
}

void RealLoop::Impl::sleep() {
  if (timers.empty()) {
    io.run_one();
  } else {
    const auto due = std::chrono::nanoseconds(timers.begin()->first.first.nanos());
    io.run_one_until(std::chrono::steady_clock::time_point(due));
  }
}

}  // namespace kelpie::real
