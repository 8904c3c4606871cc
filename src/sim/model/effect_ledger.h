// EffectLedger: which effects happened, and what was answered. The model of idempotency and the
// check of a store's batches are both built on it.
//
// Exactly once (S6): one key, at most one effect; every answer to it is that effect's.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "sim/simulation.h"
#include "store/types.h"

namespace kelpie::sim {

class EffectLedger {
 public:
  struct Effect {
    Bytes reply;  // what the effect recorded as its answer
    bool operator==(const Effect&) const = default;
  };

  // Each says what promise it breaks. `key` is shown in messages as it is, if it can be.
  std::optional<Failure> applied(const Bytes& key, const Bytes& reply);
  std::optional<Failure> answered(const Bytes& key, const Bytes& reply) const;
  // The key's time is over: it may be used again.
  void forget(const Bytes& key) { effects_.erase(key); }
  void forget(const store::KeyRange& keys);

  [[nodiscard]] const std::map<Bytes, Effect>& effects() const { return effects_; }

 private:
  std::map<Bytes, Effect> effects_;
};

}  // namespace kelpie::sim
