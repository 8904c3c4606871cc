// Trace: what happened in a run, as one hash and, on demand, as lines to read. `trace_legend`
// says what a line holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace kelpie::sim {

// What a line of a trace holds, and its verbs; several lines.
std::string_view trace_legend();

// Bytes for a reader: at most so many of them, and what is not printable as \xNN.
std::string printable(std::string_view bytes, size_t bytes_max);

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
  // Only for the reader: changes no hash. For what is hashed already, or follows from it.
  void remark(int64_t at_ns, std::string_view who, std::string_view verb, std::string_view details);

 private:
  Sink sink_;
  uint64_t events_ = 0;  // counted for the reader only
  uint64_t hash_ = 0x6b656c706965ULL;
};

}  // namespace kelpie::sim
