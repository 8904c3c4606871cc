#include "sim/chaos.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "async/sleep.h"

namespace kelpie::sim {
namespace {

// Of the checks of a fence, so many of a million stop their host.
constexpr uint64_t kPauseAfterCheckPerMillion = 3'000;
constexpr std::string_view kFenceChecked = "actor.fence.checked";

}  // namespace

Chaos::Chaos(Simulation& simulation, std::vector<SimHost*> tested, std::vector<std::string> linked)
    : simulation_(simulation),
      tested_(std::move(tested)),
      linked_(std::move(linked)),
      choices_(simulation.choices().stream("chaos")) {}

Chaos::~Chaos() = default;

auto Chaos::sleep(Duration length) { return async::sleep_for(simulation_.loop(), length); }

Duration Chaos::a_while() {
  // Mostly short, now and then beyond every time-out.
  const Duration most = choices_.choose(5) == 0 ? Duration::seconds(40) : Duration::seconds(4);
  return choices_.between(Duration::millis(5), most);
}

void Chaos::spawn(async::Scope& scope) {
  const Swarm& swarm = simulation_.swarm();
  on_ = true;
  if (swarm.pause_interval > Duration()) {
    simulation_.ledger().configure(Fault::kHostPause);
    scope.spawn(pauses());
    for (SimHost* host : tested_) {
      host->on_reached([this, host](std::string_view site) {
        if (site == kFenceChecked) {
          pause_after_check(*host);
        }
      });
    }
  }
  if (swarm.clock_jump_interval > Duration()) {
    scope.spawn(clock_jumps());
  }
  if (swarm.partition_interval > Duration() && linked_.size() > 1) {
    simulation_.ledger().configure(Fault::kNetworkPartition);
    scope.spawn(partitions());
  }
  if (swarm.slow_pair_max > Duration() && linked_.size() > 1) {
    simulation_.ledger().configure(Fault::kNetworkSlowPair);
    const auto [a, b] = pick_link();
    simulation_.network().links().slow_down(
        a, b, choices_.between(Duration::millis(1), swarm.slow_pair_max));
  }
  if (swarm.slow_cpu_max > Duration()) {
    simulation_.ledger().configure(Fault::kSlowCpu);
    SimHost* slow = tested_[choices_.choose(tested_.size())];
    slow->slow_down(choices_.between(Duration::micros(1), swarm.slow_cpu_max));
  }
}

void Chaos::heal(const Frozen& frozen) {
  on_ = false;
  for (SimHost* host : tested_) {
    if (host->paused()) {
      host->resume();
    }
    if (!frozen.slow_processors) {
      host->slow_down(Duration());
    }
    host->nobody_hears();
  }
  simulation_.network().links().mend_all();
}

std::pair<std::string, std::string> Chaos::pick_link() {
  const size_t a = choices_.choose(linked_.size());
  const size_t b = (a + 1 + choices_.choose(linked_.size() - 1)) % linked_.size();
  return {linked_[a], linked_[b]};
}

void Chaos::stand_still(SimHost& host) {
  host.pause();
  const uint64_t number = ++pauses_;
  pause_of_[host.name()] = number;
  const Duration length = choices_.between(Duration::micros(100), simulation_.swarm().pause_max);
  // Not a task: a host that was paused is resumed, whoever has been cancelled.
  simulation_.loop().start_timer(simulation_.loop().now() + length, [this, &host, number] {
    // A crash may have ended it, and another have begun.
    if (on_ && host.paused() && pause_of_.at(host.name()) == number) {
      host.resume();
    }
  });
}

void Chaos::pause_after_check(SimHost& host) {
  if (on_ && host.up() && !host.paused() && choices_.chance(kPauseAfterCheckPerMillion)) {
    stand_still(host);
  }
}

Task<void> Chaos::pauses() {
  const Duration mean = simulation_.swarm().pause_interval;
  for (;;) {
    co_await sleep(choices_.between(Duration::millis(1), mean * 2));
    SimHost& host = *tested_[choices_.choose(tested_.size())];
    if (host.up() && !host.paused()) {
      stand_still(host);
    }
  }
}

Task<void> Chaos::clock_jumps() {
  const Duration mean = simulation_.swarm().clock_jump_interval;
  for (;;) {
    co_await sleep(choices_.between(Duration::millis(1), mean * 2));
    SimClock& clock = tested_[choices_.choose(tested_.size())]->clock();
    if (choices_.choose(3) == 0) {
      clock.slew(choices_.between(Duration::seconds(-30), Duration::seconds(30)),
                 choices_.between(Duration::seconds(1), Duration::seconds(60)));
    } else {
      clock.jump(choices_.between(Duration::hours(-1), Duration::hours(1)));
    }
  }
}

void Chaos::cut_both(const std::string& a, const std::string& b) {
  simulation_.network().links().cut(a, b);
  simulation_.network().links().cut(b, a);
}

void Chaos::mend_both(const std::string& a, const std::string& b) {
  simulation_.network().links().mend(a, b);
  simulation_.network().links().mend(b, a);
}

Task<void> Chaos::partitions() {
  const Duration mean = simulation_.swarm().partition_interval;
  for (;;) {
    co_await sleep(choices_.between(Duration::millis(1), mean * 2));
    const uint64_t shape = choices_.choose(5);
    simulation_.scheduler().note("sim", "step", fmt::format("partition of shape {}", shape));
    switch (shape) {
      case 0:
        co_await isolate(linked_[choices_.choose(linked_.size())]);
        break;
      case 1:
        co_await split();
        break;
      case 2:
        co_await one_way();
        break;
      case 3:
        co_await flap();
        break;
      default:
        co_await swizzle();
        break;
    }
    simulation_.network().links().mend_all();
  }
}

Task<void> Chaos::isolate(std::string host) {
  for (const std::string& other : linked_) {
    if (other != host) {
      cut_both(host, other);
    }
  }
  co_await sleep(a_while());
  co_return kOk;
}

// Two halves, of any size, that do not hear of each other.
Task<void> Chaos::split() {
  std::vector<bool> side;
  for (size_t i = 0; i < linked_.size(); ++i) {
    side.push_back(choices_.choose(2) == 0);
  }
  for (size_t i = 0; i < linked_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (side[i] != side[j]) {
        cut_both(linked_[i], linked_[j]);
      }
    }
  }
  co_await sleep(a_while());
  co_return kOk;
}

Task<void> Chaos::one_way() {
  const auto [from, to] = pick_link();
  simulation_.network().links().cut(from, to);
  co_await sleep(a_while());
  co_return kOk;
}

Task<void> Chaos::flap() {
  const auto [a, b] = pick_link();
  for (uint64_t left = 2 + choices_.choose(8); left > 0; --left) {
    cut_both(a, b);
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(1)));
    mend_both(a, b);
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(1)));
  }
  co_return kOk;
}

// A random part of the hosts loses its links one by one, and gets them back in another order
// (FoundationDB's swizzle-clogging).
Task<void> Chaos::swizzle() {
  std::vector<std::string> chosen;
  for (const std::string& host : linked_) {
    if (choices_.choose(2) == 0) {
      chosen.push_back(host);
    }
  }
  for (const std::string& host : chosen) {
    for (const std::string& other : linked_) {
      if (other != host) {
        cut_both(host, other);
      }
    }
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(1)));
  }
  while (!chosen.empty()) {
    const auto next = chosen.begin() + static_cast<std::ptrdiff_t>(choices_.choose(chosen.size()));
    for (const std::string& other : linked_) {
      mend_both(*next, other);
    }
    chosen.erase(next);
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(1)));
  }
  co_return kOk;
}

}  // namespace kelpie::sim
