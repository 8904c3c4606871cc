#include "sim/trace.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace kelpie::sim {
namespace {

// A line stays one line, whatever is quoted in it.
std::string on_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace

std::string_view trace_legend() {
  return "# event  seconds.nanoseconds  host#incarnation  verb  details (all times are simulated)\n"
         "# run, timer    the event of that number began: a piece of work, or a timer's (its "
         "sequence number)\n"
         "# connect       a connection c<n> was made\n"
         "# deliver       bytes arrived on it\n"
         "# fin, reset    its end arrived; it broke, and why\n"
         "# boot, crash, stop   a host's life\n"
         "# store         the disk wrote or synced a version, or a crash decided what was kept\n"
         "# write         one mutation of the version that is written next\n"
         "# fault         production code received this fault\n"
         "# log           what the code under test logged\n"
         "# op            a client's operation #<n>: `call`, then `answer`\n"
         "# step          the scenario moved on; FAILED is the verdict\n";
}

std::string printable(std::string_view bytes, size_t bytes_max) {
  std::string text;
  for (const char c : bytes.substr(0, bytes_max)) {
    text += c >= ' ' && c <= '~' ? std::string(1, c)
                                 : fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
  }
  return bytes.size() > bytes_max ? text + "..." : text;
}

void Trace::mix(uint64_t word) { hash_ = base::mix64(hash_ ^ word); }

void Trace::mix(std::string_view bytes) { mix(base::hash64(bytes)); }

void Trace::event(int64_t at_ns, std::string_view who, std::string_view verb,
                  std::string_view details) {
  mix(static_cast<uint64_t>(at_ns));
  mix(who);
  mix(verb);
  mix(details);
  if (sink_) {
    events_ += verb == "run" || verb == "timer" ? 1 : 0;
    remark(at_ns, who, verb, details);
  }
}

void Trace::remark(int64_t at_ns, std::string_view who, std::string_view verb,
                   std::string_view details) {
  if (sink_) {
    sink_(fmt::format("{:7} {:5}.{:09} {:<12} {:<8} {}", events_, at_ns / 1'000'000'000,
                      at_ns % 1'000'000'000, who, verb, on_one_line(details)));
  }
}

}  // namespace kelpie::sim
