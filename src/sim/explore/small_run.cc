#include "sim/explore/small_run.h"

#include <utility>

#include "base/hash.h"

namespace kelpie::sim {

SimHost& SmallRun::add_host(std::string name) {
  SimHost& host = simulation_.add_host(std::move(name));
  host.boot();
  return host;
}

void SmallRun::spawn(SimHost& host, std::string name, Task<void> task) {
  tasks_.push_back(Spawned{&host, std::move(name), std::move(task)});
  Spawned& spawned = tasks_.back();
  host.loop().post_from_thread([this, &spawned] { start(spawned); });
}

void SmallRun::start(Spawned& spawned) {
  spawned.started = true;
  spawned.done =
      spawned.task.start([](void* done) { *static_cast<bool*>(done) = true; }, &spawned.done);
}

void SmallRun::crash(SimHost& host) {
  host.crash();
  tasks_.remove_if([&](const Spawned& each) { return each.host == &host; });
}

void SmallRun::check_ended() {
  for (Spawned& each : tasks_) {
    if (!each.done) {
      fail("L2", "nothing is left to run, and " + each.name + " has not ended");
      return;
    }
    const Result<void> result = each.task.take();
    if (!result.ok()) {
      fail("scenario", each.name + " ended with " + result.error().to_string());
    }
  }
}

void SmallRun::end_in(std::string_view what) { end_ = base::hash64(what, base::mix64(end_ + 1)); }

}  // namespace kelpie::sim
