// Faults: where code asks whether something bad shall happen here. The real World's answer is
// always no, and no flag or environment variable changes that.
#pragma once

#include <string_view>

namespace kelpie::world {

class Faults {
 public:
  Faults() = default;
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  virtual ~Faults() = default;

  // Is the planted bug (promises.md: "M8", ...) on in this run?
  [[nodiscard]] virtual bool mutant(std::string_view name) = 0;
  // Shall this rare but legal branch be taken now? `site` names the place, once in the code.
  [[nodiscard]] virtual bool buggify(std::string_view site) = 0;
};

}  // namespace kelpie::world
