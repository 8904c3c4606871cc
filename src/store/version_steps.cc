#include "store/version_steps.h"

#include <iterator>

#include "base/check.h"

namespace kelpie::store {
namespace {

constexpr Version kNever{-1};

}  // namespace

VersionSteps::VersionSteps() { clear(); }

void VersionSteps::write(const KeyRange& range, Version version) {
  CHECK(!range.empty());
  CHECK(version > kNever);
  const Version after = at(range.end);
  steps_.erase(steps_.lower_bound(range.begin), steps_.lower_bound(range.end));
  steps_.insert_or_assign(range.begin, version);
  steps_.try_emplace(range.end, after);
}

Version VersionSteps::at(const Bytes& key) const {
  return std::prev(steps_.upper_bound(key))->second;
}

bool VersionSteps::any_after(const KeyRange& range, Version version) const {
  CHECK(!range.empty());
  for (auto step = std::prev(steps_.upper_bound(range.begin));
       step != steps_.end() && step->first < range.end; ++step) {
    if (step->second > version) {
      return true;
    }
  }
  return false;
}

void VersionSteps::forget_up_to(Version version) {
  for (auto& [key, step] : steps_) {
    if (step <= version) {
      step = kNever;
    }
  }
  for (auto step = std::next(steps_.begin()); step != steps_.end();) {
    step = step->second == std::prev(step)->second ? steps_.erase(step) : std::next(step);
  }
}

void VersionSteps::clear() {
  steps_.clear();
  steps_.emplace(Bytes(), kNever);
}

}  // namespace kelpie::store
