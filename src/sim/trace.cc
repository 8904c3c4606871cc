#include "sim/trace.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace kelpie::sim {

void Trace::mix(uint64_t word) { hash_ = base::mix64(hash_ ^ word); }

void Trace::mix(std::string_view bytes) { mix(base::hash64(bytes)); }

void Trace::event(int64_t at_ns, std::string_view who, std::string_view verb,
                  std::string_view details) {
  mix(static_cast<uint64_t>(at_ns));
  mix(who);
  mix(verb);
  mix(details);
  if (sink_) {
    sink_(fmt::format("{:5}.{:09} {:<12} {:<8} {}", at_ns / 1'000'000'000, at_ns % 1'000'000'000,
                      who, verb, details));
  }
}

}  // namespace kelpie::sim
