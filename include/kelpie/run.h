// run: a whole program around a node.
//
//   kelpie::Task<void> app(kelpie::Node& node) {
//     auto counter = node.actor<Counter>("hits");
//     int64_t value = co_await counter.call<&Counter::add>(1);
//     ...
//     co_return kelpie::kOk;
//   }
//   int main() { return kelpie::run<Counter>({.data_dir = "counter-data"}, app); }
//
// `app` is a plain function, or a lambda that is no coroutine itself and calls one: what a
// coroutine lambda captures is gone before it has ended.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "async/task.h"
#include "base/limits.h"
#include "base/time.h"
#include "kelpie/node.h"

namespace kelpie {

// Where the data is: exactly one of the first three.
struct RunOptions {
  // An embedded store in this directory, which is made if it is not there. One process at a time
  // has it; what is acknowledged is on the disk.
  std::string data_dir;
  // Nothing is kept.
  bool in_memory = false;
  // A FoundationDB cluster, which several processes may use at once. Needs libfdb_c.so.
  std::string fdb_cluster_file;
  // That library, a file or a name that the system's loader finds; empty: libfdb_c.so.
  std::string fdb_library;
  // Of this process among those on a FoundationDB cluster: needed there, not used by two at once.
  std::string node_name;
  Duration idle_timeout = base::kActorIdleTimeout;
  // Also what is not a warning, on standard error.
  bool verbose_log = false;
};

using App = std::function<Task<void>(Node&)>;

namespace detail {
int run(RunOptions options, std::function<void(Node&)> add_types, App app);
}

// Opens the store, starts a node with these types, runs `app`, stops the node in order. Blocks;
// everything runs on the calling thread. Exit codes: 0; 1 when the store could not be opened, `app`
// ended with an error, or the store stopped for good (each is printed on standard error); 128 and
// the signal's number when `app` was dropped because of it. A second signal ends the process at
// once.
template <class... Actors>
int run(RunOptions options, App app) {
  return detail::run(
      std::move(options), [](Node& node) { (node.add<Actors>(), ...); }, std::move(app));
}

}  // namespace kelpie
