// VersionSteps: for every key, the newest version at which a range write covered it.
#pragma once

#include <cstddef>
#include <map>

#include "store/types.h"

namespace kelpie::store {

// A step function over the keys: an entry holds from its key up to the next entry's. Versions are
// written in growing order, so the newest simply replaces what it covers.
class VersionSteps {
 public:
  VersionSteps();

  void write(const KeyRange& range, Version version);
  [[nodiscard]] Version at(const Bytes& key) const;
  [[nodiscard]] bool any_after(const KeyRange& range, Version version) const;

  // Versions up to this one need not be told apart any more; frees what only they needed.
  void forget_up_to(Version version);
  void clear();
  [[nodiscard]] size_t size() const { return steps_.size(); }

 private:
  std::map<Bytes, Version> steps_;
};

}  // namespace kelpie::store
