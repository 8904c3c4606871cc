#include "sim/model/effect_ledger.h"

#include <algorithm>

namespace kelpie::sim {
namespace {

std::string shown(ByteView bytes) {
  const bool plain = std::ranges::all_of(bytes, [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? "'" + Bytes(bytes) + "'" : base::to_hex(bytes);
}

}  // namespace

std::optional<Failure> EffectLedger::applied(const Bytes& key, const Bytes& reply) {
  const auto [found, fresh] = effects_.try_emplace(key, Effect{reply});
  if (fresh) {
    return std::nullopt;
  }
  return Failure{"S6", "the effect of " + shown(key) + " happened twice: first with the reply " +
                           shown(found->second.reply) + ", now with the reply " + shown(reply)};
}

void EffectLedger::forget(const store::KeyRange& keys) {
  effects_.erase(effects_.lower_bound(keys.begin), effects_.lower_bound(keys.end));
}

std::optional<Failure> EffectLedger::answered(const Bytes& key, const Bytes& reply) const {
  const auto found = effects_.find(key);
  if (found == effects_.end()) {
    return Failure{"S6", shown(key) + " was answered with " + shown(reply) + " and did not happen"};
  }
  if (found->second.reply == reply) {
    return std::nullopt;
  }
  return Failure{"S6", shown(key) + " was answered with " + shown(reply) +
                           " and happened with the reply " + shown(found->second.reply)};
}

}  // namespace kelpie::sim
