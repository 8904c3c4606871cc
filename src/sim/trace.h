// Trace: what happened in a run, as one hash and, on demand, as lines to read.
//
// Legend of a line: `seconds.nanoseconds  host#incarnation  verb  details`. The verbs:
//   run      one piece of work ran (details: its sequence number)
//   timer    a timer's work ran
//   deliver  bytes arrived (connection, from, to, count)
//   connect, refuse, reset, fin   what became of a connection
//   boot, crash, stop             a host's life
//   fault    production code received this fault
//   log      an event that the code under test logged
//   store    the durable backend applied, synced, lost or refused something
//   op       a client's operation: its call and what came back
//   step     the scenario moved on
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace kelpie::sim {

// One per run. Holds no addresses and no wall time, so equal seeds give equal traces (S22).
class Trace {
 public:
  using Sink = std::function<void(std::string_view line)>;

  // Lines go to `sink`; without one only the hash is kept.
  explicit Trace(Sink sink = nullptr) : sink_(std::move(sink)) {}
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  void mix(uint64_t word);
  void mix(std::string_view bytes);
  [[nodiscard]] uint64_t hash() const { return hash_; }

  // Whether lines are wanted; ask before composing one that is costly.
  [[nodiscard]] bool readable() const { return static_cast<bool>(sink_); }
  // Hashes the event, and prints it when lines are wanted. `at_ns` is simulated time.
  void event(int64_t at_ns, std::string_view who, std::string_view verb, std::string_view details);

 private:
  Sink sink_;
  uint64_t hash_ = 0x6b656c706965ULL;
};

}  // namespace kelpie::sim
